//! Which vector instructions this processor has, as values that prove it.

/// Proof that AVX-512 F, BW, DQ and VL can be used, and what [`Avx2`] proves.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512(());

#[cfg(target_arch = "x86_64")]
impl Avx512 {
    /// The proof, if the processor and the operating system allow it.
    fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        Avx2::detect().filter(|_| found).map(|_| Self(()))
    }
}

/// Proof that AVX2, BMI1, BMI2 and POPCNT can be used.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(());

#[cfg(target_arch = "x86_64")]
impl Avx2 {
    /// The proof, if the processor and the operating system allow it.
    fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("popcnt");
        found.then_some(Self(()))
    }
}

/// The instructions a kernel is to use; every choice gives the same bits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Isa {
    /// 512-bit vectors.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    /// 256-bit vectors.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// What the compiler makes of plain Rust for the target it was given.
    Portable,
}

impl Isa {
    /// The fastest one this machine has. Cost: a few loads after the first call.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn best() -> Self {
        match (Avx512::detect(), Avx2::detect()) {
            (Some(proof), _) => Self::Avx512(proof),
            (None, Some(proof)) => Self::Avx2(proof),
            (None, None) => Self::Portable,
        }
    }

    /// The fastest one this machine has.
    #[cfg(not(target_arch = "x86_64"))]
    pub(crate) fn best() -> Self {
        Self::Portable
    }

    /// Every one this machine has.
    #[cfg(test)]
    pub(crate) fn all() -> Vec<Self> {
        let mut all = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(Avx2::detect().map(Self::Avx2));
            all.extend(Avx512::detect().map(Self::Avx512));
        }
        all
    }
}

impl Isa {
    /// Runs `work`, compiled for these instructions.
    ///
    /// Only what is inlined into `work` is, so everything below it is `#[inline(always)]` and
    /// written over arrays that the compiler can turn into vectors. Rust neither fuses nor
    /// reorders float operations, so the results have the same bits whatever the instructions.
    pub(crate) fn vectorize<R>(self, work: impl FnOnce() -> R) -> R {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(proof) => proof.vectorize(work),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(proof) => proof.vectorize(work),
            Self::Portable => work(),
        }
    }
}

#[cfg(target_arch = "x86_64")]
impl Avx512 {
    fn vectorize<R>(self, work: impl FnOnce() -> R) -> R {
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,popcnt")]
        fn inner<R>(work: impl FnOnce() -> R) -> R {
            work()
        }
        // SAFETY: `self` exists only if `detect` found every feature that `inner` is compiled for.
        unsafe { inner(work) }
    }
}

#[cfg(target_arch = "x86_64")]
impl Avx2 {
    fn vectorize<R>(self, work: impl FnOnce() -> R) -> R {
        #[target_feature(enable = "avx2,popcnt")]
        fn inner<R>(work: impl FnOnce() -> R) -> R {
            work()
        }
        // SAFETY: `self` exists only if `detect` found every feature that `inner` is compiled for.
        unsafe { inner(work) }
    }
}

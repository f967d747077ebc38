//! Which vector instructions this processor has, as values that prove it.

/// A token that exists only where all of the features were found, and so may run what is compiled
/// for them.
#[cfg(target_arch = "x86_64")]
macro_rules! token {
    ($(#[$doc:meta])* $token:ident: $($feature:tt)+) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $token(());

        impl $token {
            /// The proof, if the processor and the operating system allow it.
            fn detect() -> Option<Self> {
                (true $(&& is_x86_feature_detected!($feature))+).then_some(Self(()))
            }

            /// Runs `work`, compiled for these instructions, as [`Isa::vectorize`] does.
            pub fn vectorize<R>(self, work: impl FnOnce() -> R) -> R {
                $(#[target_feature(enable = $feature)])+
                fn inner<R>(work: impl FnOnce() -> R) -> R {
                    work()
                }
                // SAFETY: `self` exists only if `detect` found the features, the same as here.
                unsafe { inner(work) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
token! {
    /// Proof that AVX-512 F, BW, DQ and VL can be used, and what [`Avx2`] proves.
    Avx512: "avx512f" "avx512bw" "avx512dq" "avx512vl" "avx2" "fma" "bmi1" "bmi2" "popcnt"
}

#[cfg(target_arch = "x86_64")]
token! {
    /// Proof that AVX2, FMA, BMI1, BMI2 and POPCNT can be used.
    Avx2: "avx2" "fma" "bmi1" "bmi2" "popcnt"
}

/// The instructions a kernel is to use, for this crate and for others with kernels of their own.
///
/// # Examples
/// ```
/// use rewire_mask::Isa;
///
/// let values = [1.5f32; 100];
/// let sum: f32 = Isa::best().vectorize(#[inline(always)] || values.iter().sum());
/// assert_eq!(sum, 150.0);
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Isa {
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
    pub fn best() -> Self {
        match (Avx512::detect(), Avx2::detect()) {
            (Some(proof), _) => Self::Avx512(proof),
            (None, Some(proof)) => Self::Avx2(proof),
            (None, None) => Self::Portable,
        }
    }

    /// The fastest one this machine has.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn best() -> Self {
        Self::Portable
    }

    /// Every one this machine has, the fastest first: for tests and comparisons.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(Avx512::detect().map(Self::Avx512));
            all.extend(Avx2::detect().map(Self::Avx2));
        }
        all.push(Self::Portable);
        all
    }

    /// What it is called: `avx512`, `avx2` or `portable`.
    pub const fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            Self::Portable => "portable",
        }
    }

    /// Runs `work`, compiled for these instructions.
    ///
    /// Only what is inlined into `work` is, so everything below it is `#[inline(always)]` and
    /// written over arrays that the compiler can turn into vectors. Rust neither fuses nor
    /// reorders float operations, so the results have the same bits whatever the instructions.
    pub fn vectorize<R>(self, work: impl FnOnce() -> R) -> R {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(proof) => proof.vectorize(work),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(proof) => proof.vectorize(work),
            Self::Portable => work(),
        }
    }
}

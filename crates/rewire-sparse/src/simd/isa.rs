//! Which vector instructions this processor has, as values that prove it.

/// A token that exists only where all of the features were found, and so may run what is compiled
/// for them.
#[cfg(target_arch = "x86_64")]
macro_rules! token {
    ($(#[$doc:meta])* $token:ident: $($feature:tt)+) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $token(());

        impl $token {
            /// The proof, if the processor and the operating system allow it.
            fn detect() -> Option<Self> {
                (true $(&& is_x86_feature_detected!($feature))+).then_some(Self(()))
            }

            /// Runs `work`, compiled for these instructions.
            pub(super) fn run<R>(self, work: impl FnOnce() -> R) -> R {
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
    /// Proof that AVX-512 F, VL and FMA can be used.
    Avx512: "avx512f" "avx512vl" "avx2" "fma"
}

#[cfg(target_arch = "x86_64")]
token! {
    /// Proof that AVX2 and FMA can be used.
    Avx2: "avx2" "fma"
}

/// The instructions that kernels use.
///
/// Sums have the same order on all of them for as many samples at a time as a vector has lanes, so
/// results differ from set to set by roundings, and never between two runs on one machine.
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
    /// What it is called.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            Self::Portable => "portable",
        }
    }

    /// Every one this machine has, the fastest one first.
    pub(crate) fn all() -> Vec<Self> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(Avx512::detect().map(Self::Avx512));
            all.extend(Avx2::detect().map(Self::Avx2));
        }
        all.push(Self::Portable);
        all
    }
}

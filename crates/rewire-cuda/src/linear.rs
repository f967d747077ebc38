//! A linear layer with transposable 2:4 weights.
//!
//! ```text
//! Y  = X·Wᵀ + bias      packed W            sparse product
//! dX = dY·W             packed Wᵀ           sparse product
//! dW = dYᵀ·X            dense, or what W keeps of it
//! ```
//!
//! One mask serves both products because it is 2:4 along rows and along columns. The layer is its
//! weights; steps, optimizer state and when to prune again are somebody else's.

use rewire_kernels::Activation;

use crate::device::Device;
use crate::element::Element;
use crate::error::{self, DeviceError};
use crate::matrix::{Matrix, MatrixView};
use crate::ops::{Status, gemm_tn, mask_gradient24, prune24_transposable, spmm24};
use crate::packed::{Packed24, Values24};
use crate::vector::Vector;

/// Y = X·Wᵀ + bias with packed weights, and its gradients.
#[derive(Debug)]
pub struct Linear<E, D: Device> {
    weights: Packed24<E, D>,
    transposed: Packed24<E, D>,
    bias: Option<Vector<D>>,
}

impl<E: Element, D: Device> Linear<E, D> {
    /// A layer with the weights that a transposable mask of the largest magnitudes keeps, and
    /// whether all of them were numbers. `weights` is `out × inner`, the bias has `out` numbers.
    ///
    /// # Errors
    /// [`DeviceError::Size`] for a bias of another length, and as [`prune24_transposable`].
    pub fn prune(
        weights: MatrixView<'_, E, D>,
        bias: Option<Vector<D>>,
    ) -> Result<(Self, Status<D>), DeviceError> {
        let pruned = prune24_transposable(weights)?;
        let layer = Self::from_packed(pruned.packed, pruned.transposed, bias)?;
        Ok((layer, pruned.status))
    }

    /// A layer with these weights. That `transposed` is the transpose of `weights` is the caller's
    /// word; only the sizes are compared.
    ///
    /// # Errors
    /// [`DeviceError::Size`] for a transpose or a bias of another size, [`DeviceError::Foreign`] if
    /// they lie on different devices.
    pub fn from_packed(
        weights: Packed24<E, D>,
        transposed: Packed24<E, D>,
        bias: Option<Vector<D>>,
    ) -> Result<Self, DeviceError> {
        let (size, other) = (weights.size(), transposed.size());
        check_equal(
            "rows of w and columns of its transpose",
            size.rows(),
            other.cols(),
        )?;
        check_equal(
            "columns of w and rows of its transpose",
            size.cols(),
            other.rows(),
        )?;
        let device = weights.metadata().device();
        if let Some(bias) = &bias {
            check_equal(
                "rows of w and numbers of the bias",
                size.rows(),
                bias.length(),
            )?;
            if bias.buffer().device() != device {
                return Err(DeviceError::Foreign);
            }
        }
        if transposed.metadata().device() != device {
            return Err(DeviceError::Foreign);
        }
        Ok(Self {
            weights,
            transposed,
            bias,
        })
    }

    /// Y = X·Wᵀ + bias: X is `tokens × inner`, Y is `tokens × out`.
    ///
    /// # Errors
    /// As [`spmm24`].
    pub fn forward(&self, x: MatrixView<'_, E, D>) -> Result<Matrix<E, D>, DeviceError> {
        spmm24(&self.weights, x, self.bias.as_ref(), Activation::Identity)
    }

    /// dX = dY·W, from the packed transpose: dY is `tokens × out`, dX is `tokens × inner`.
    ///
    /// # Errors
    /// As [`spmm24`].
    pub fn input_gradient(&self, dy: MatrixView<'_, E, D>) -> Result<Matrix<E, D>, DeviceError> {
        spmm24(&self.transposed, dy, None, Activation::Identity)
    }

    /// dW = dYᵀ·X with every entry, `out × inner`: dY is `tokens × out`, X is `tokens × inner`.
    ///
    /// # Errors
    /// As [`gemm_tn`].
    pub fn weight_gradient(
        &self,
        dy: MatrixView<'_, E, D>,
        x: MatrixView<'_, E, D>,
    ) -> Result<Matrix<E, D>, DeviceError> {
        check_equal(
            "columns of dy and rows of w",
            dy.size().cols(),
            self.weights.size().rows(),
        )?;
        check_equal(
            "columns of x and of w",
            x.size().cols(),
            self.weights.size().cols(),
        )?;
        gemm_tn(dy, x)
    }

    /// What [`Linear::weight_gradient`] holds at the places that the weights keep, in the order of
    /// their values.
    ///
    /// # Errors
    /// As [`gemm_tn`] and [`mask_gradient24`].
    pub fn kept_weight_gradient(
        &self,
        dy: MatrixView<'_, E, D>,
        x: MatrixView<'_, E, D>,
    ) -> Result<Values24<E, D>, DeviceError> {
        let gradient = self.weight_gradient(dy, x)?;
        mask_gradient24(gradient.view(), &self.weights)
    }

    /// The weights, `out × inner`.
    pub const fn weights(&self) -> &Packed24<E, D> {
        &self.weights
    }

    /// Their transpose, `inner × out`.
    pub const fn transposed(&self) -> &Packed24<E, D> {
        &self.transposed
    }

    /// The bias, if there is one.
    pub const fn bias(&self) -> Option<&Vector<D>> {
        self.bias.as_ref()
    }
}

fn check_equal(what: &'static str, left: u32, right: u32) -> Result<(), DeviceError> {
    error::check_equal("a linear layer", what, left, right)
}

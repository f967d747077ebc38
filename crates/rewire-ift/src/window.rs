//! Windows that slide over a map: convolution and pooling.

use crate::error::PlanError;

/// A window of a convolution or a pooling and the map that it slides over; height before width.
///
/// # Examples
/// ```
/// use rewire_ift::Window;
///
/// // The stem of a ResNet: 7 × 7, every second pixel, 3 pixels of padding.
/// let stem = Window { stride: [2, 2], padding: [3, 3], ..Window::new([224, 224], [7, 7]) };
/// assert_eq!(stem.output()?, [112, 112]);
/// # Ok::<(), rewire_ift::PlanError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Height and width of the map.
    pub input: [u64; 2],
    /// Height and width of the kernel.
    pub kernel: [u64; 2],
    /// Pixels from one position to the next.
    pub stride: [u64; 2],
    /// Pixels added on every side.
    pub padding: [u64; 2],
    /// Distance of neighbouring taps of the kernel.
    pub dilation: [u64; 2],
}

impl Window {
    /// A window at every pixel, nothing padded.
    pub fn new(input: [u64; 2], kernel: [u64; 2]) -> Self {
        Self {
            input,
            kernel,
            stride: [1, 1],
            padding: [0, 0],
            dilation: [1, 1],
        }
    }

    /// A square kernel of odd size whose map keeps its size at `stride` 1.
    pub fn same(input: [u64; 2], kernel: u64, stride: u64) -> Self {
        Self {
            stride: [stride; 2],
            padding: [kernel / 2; 2],
            ..Self::new(input, [kernel; 2])
        }
    }

    /// Height and width of what comes out: ⌊(n + 2p − d(k − 1) − 1) / s⌋ + 1 on either side.
    ///
    /// # Errors
    /// [`PlanError::Empty`] for a size, stride or dilation of 0, [`PlanError::Window`] if the kernel
    /// is larger than the padded map, [`PlanError::TooLarge`] beyond 64 bits.
    pub fn output(&self) -> Result<[u64; 2], PlanError> {
        let side = |axis: usize| {
            for (what, size) in [
                ("a side of the map", self.input[axis]),
                ("a side of the kernel", self.kernel[axis]),
                ("a stride", self.stride[axis]),
                ("a dilation", self.dilation[axis]),
            ] {
                if size == 0 {
                    return Err(PlanError::Empty { what: what.into() });
                }
            }
            let too_large = || PlanError::TooLarge {
                what: "a window".into(),
            };
            let padded = (self.padding[axis].checked_mul(2))
                .and_then(|padding| padding.checked_add(self.input[axis]))
                .ok_or_else(too_large)?;
            let extent = (self.dilation[axis].checked_mul(self.kernel[axis] - 1))
                .and_then(|extent| extent.checked_add(1))
                .ok_or_else(too_large)?;
            if extent > padded {
                return Err(PlanError::Window { padded, extent });
            }
            Ok((padded - extent) / self.stride[axis] + 1)
        };
        Ok([side(0)?, side(1)?])
    }

    /// Taps of the kernel.
    pub(crate) fn taps(&self) -> Option<u64> {
        self.kernel[0].checked_mul(self.kernel[1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes as torchvision's networks have them.
    #[test]
    fn published_maps_have_their_sizes() {
        let pool = Window {
            stride: [2, 2],
            padding: [1, 1],
            ..Window::new([112, 112], [3, 3])
        };
        assert_eq!(pool.output(), Ok([56, 56]));
        assert_eq!(Window::same([56, 28], 3, 2).output(), Ok([28, 14]));
        assert_eq!(Window::same([7, 7], 3, 1).output(), Ok([7, 7]));
        // 32 + 0 − 2·(3 − 1) − 1 = 27.
        let dilated = Window {
            dilation: [2, 2],
            ..Window::new([32, 32], [3, 3])
        };
        assert_eq!(dilated.output(), Ok([28, 28]));
    }

    #[test]
    fn windows_without_room_are_refused_with_both_sizes() {
        let error = Window::new([4, 2], [3, 3]).output().unwrap_err();
        assert_eq!(
            error,
            PlanError::Window {
                padded: 2,
                extent: 3
            }
        );
        let endless = Window {
            padding: [u64::MAX, 1],
            ..Window::new([4, 4], [3, 3])
        };
        assert!(matches!(endless.output(), Err(PlanError::TooLarge { .. })));
        let still = Window {
            stride: [0, 1],
            ..Window::new([4, 4], [3, 3])
        };
        assert_eq!(
            still.output().unwrap_err().to_string(),
            "a stride is 0, it has to be at least 1"
        );
    }
}

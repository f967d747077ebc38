//! A minimal reverse-mode tape with masked linear layers and gradients at active positions.

//! Data set, losses, training loop.

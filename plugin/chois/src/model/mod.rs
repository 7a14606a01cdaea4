//! The denoiser and its checkpoint.

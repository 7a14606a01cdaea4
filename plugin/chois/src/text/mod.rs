//! Text encoders: a sentence becomes a vector.

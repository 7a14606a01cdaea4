//! Provisions what cargo cannot.
fn main() {}

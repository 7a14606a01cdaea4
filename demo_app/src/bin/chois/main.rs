//! Command line of CHOIS.
fn main() {}

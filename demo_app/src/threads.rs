//! libtorch's threads on a machine that does other things too.

/// Starts the program anew with `OMP_WAIT_POLICY=PASSIVE` unless a policy is set: OpenMP threads that spin make a busy
/// machine seven times slower, and libgomp reads the variable before `main`.
pub fn be_passive() {
    const NAME: &str = "OMP_WAIT_POLICY";
    if std::env::var_os(NAME).is_some() {
        return;
    }
    #[cfg(unix)]
    if let Ok(program) = std::env::current_exe() {
        use std::os::unix::process::CommandExt;
        // Only returns when it fails; then things are slower, not wrong.
        let _ = std::process::Command::new(program)
            .args(std::env::args_os().skip(1))
            .env(NAME, "PASSIVE")
            .exec();
    }
}

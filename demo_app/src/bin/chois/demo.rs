//! `chois demo`: the shipped request, generated into `target/demo`.

use std::path::PathBuf;

use chois::Result;
use chois_demo::jobs::{ModelArgs, demo_jobs, run_jobs};

/// Arguments of `chois demo`.
#[derive(clap::Args)]
pub struct Args {
    /// Folder to write into.
    #[arg(long, default_value = "target/demo")]
    out: PathBuf,
    #[command(flatten)]
    model: ModelArgs,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let jobs = demo_jobs(&args.out)?;
    for facts in run_jobs(&jobs, &args.model)? {
        say!("{facts}");
    }
    say!("open the .glb files in any glTF viewer");
    Ok(())
}

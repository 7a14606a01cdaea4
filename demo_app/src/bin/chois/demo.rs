//! `chois demo`: the shipped request, generated into `target/demo`.

use std::path::PathBuf;

use chois::request::file::read_jobs;
use chois::{Error, Result};

use crate::generate::{ModelArgs, run_jobs};

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
    let mut jobs = read_jobs(&crate::assets::find("requests/demo.ron")?)?;
    for job in &mut jobs {
        for path in [&mut job.out, &mut job.clip].into_iter().flatten() {
            let name = path.file_name().ok_or_else(|| {
                Error::invalid("out", format!("{} names no file", path.display()))
            })?;
            *path = args.out.join(name);
        }
    }
    for facts in run_jobs(&jobs, &args.model)? {
        say!("{facts}");
    }
    say!("open the .glb files in any glTF viewer");
    Ok(())
}

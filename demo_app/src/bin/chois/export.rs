//! `chois export`: a motion clip as an animated `.glb`.

use std::path::PathBuf;

use chois::Result;
use chois::clip::glb::{self, GlbOptions};
use chois::clip::read_clip;
use chois::geometry::{UpAxis, load_mesh};

use crate::generate::Up;

/// Arguments of `chois export`.
#[derive(clap::Args)]
pub struct Args {
    /// The motion clip (.safetensors).
    #[arg(long)]
    clip: PathBuf,
    /// The object's mesh; without it the file shows the person alone.
    #[arg(long)]
    object: Option<PathBuf>,
    /// Which axis of the mesh points up; by default the format's custom.
    #[arg(long, value_enum)]
    up: Option<Up>,
    /// The .glb to write.
    #[arg(long)]
    out: PathBuf,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let clip = read_clip(&args.clip)?;
    let mesh = match &args.object {
        Some(path) => Some(load_mesh(path, args.up.map(UpAxis::from))?),
        None => None,
    };
    glb::write(&args.out, &clip, mesh.as_ref(), &GlbOptions::default())?;
    say!(
        "{}: {} frames, {:.1} s, {}",
        args.out.display(),
        clip.frames.len(),
        clip.seconds(),
        clip.text
    );
    Ok(())
}

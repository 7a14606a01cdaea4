//! `chois contact`: a motion clip with hands that hold, and its contact report.

use std::path::PathBuf;

use chois::clip::glb::{self, GlbOptions};
use chois::clip::{read_clip, write_clip};
use chois::contact::report::{Comparison, ContactReport, ReportOptions};
use chois::contact::{ContactEvent, Effort, Hold, PhysicalObject, correct};
use chois::geometry::UpAxis;
use chois::{Error, Result};
use chois_demo::jobs::{ContactArgs, Object};

use crate::generate::Up;

/// Arguments of `chois contact`.
#[derive(clap::Args)]
pub struct Args {
    /// The motion clip (.safetensors).
    #[arg(long)]
    clip: PathBuf,
    /// The object's mesh: .glb, .gltf, .obj or .ply.
    #[arg(long)]
    object: PathBuf,
    /// Which axis of the mesh points up; by default the format's custom.
    #[arg(long, value_enum)]
    up: Option<Up>,
    /// The corrected motion clip to write.
    #[arg(long)]
    write: Option<PathBuf>,
    /// The corrected clip to write as an animated .glb.
    #[arg(long)]
    out: Option<PathBuf>,
    #[command(flatten)]
    contact: ContactArgs,
    /// Everything as JSON on stdout.
    #[arg(long)]
    json: bool,
}

/// What is said as JSON.
#[derive(serde::Serialize)]
struct Facts {
    mass: f32,
    convex_parts: usize,
    holds: Vec<Hold>,
    events: Vec<ContactEvent>,
    efforts: [Effort; 2],
    report: Comparison,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let clip = read_clip(&args.clip)?;
    let object = Object::load(&args.object, args.up.map(UpAxis::from))?;
    let config = args.contact.config(true);
    let physical = PhysicalObject::cached(&object.geometry, &config.physics(), &args.object)?;
    let corrected = correct(&clip, &physical, &config.options(Vec::new()))?;
    let options = ReportOptions {
        mass: physical.mass(),
        friction: physical.friction(),
        ..ReportOptions::default()
    };
    let report = Comparison {
        before: ContactReport::of(&clip, &object.geometry, &options)?,
        after: ContactReport::of(&corrected.clip, &object.geometry, &options)?,
    };
    if let Some(path) = &args.write {
        write_clip(path, &corrected.clip)?;
    }
    if let Some(path) = &args.out {
        glb::write(
            path,
            &corrected.clip,
            Some(&object.mesh),
            &GlbOptions::default(),
        )?;
    }
    let facts = Facts {
        mass: physical.mass(),
        convex_parts: physical.hulls().len(),
        holds: corrected.holds,
        events: corrected.events,
        efforts: corrected.efforts,
        report,
    };
    if args.json {
        let json = serde_json::to_string_pretty(&facts).map_err(|e| Error::invalid("facts", e))?;
        say!("{json}");
        return Ok(());
    }
    say!(
        "{}: {:.1} kg, {} convex parts",
        object.geometry.name(),
        facts.mass,
        facts.convex_parts
    );
    for event in &facts.events {
        say!("{event}");
    }
    say!("{}", facts.report);
    for path in args.write.iter().chain(&args.out) {
        say!("written {}", path.display());
    }
    Ok(())
}

//! `chois render`: a project without an editor.

use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;
use std::time::Instant;

use chois::motion::FPS;
use chois::project::export::{Format, jobs};
use chois::project::generate::{Which, generate};
use chois::project::stale::{self, State};
use chois::project::{History, Library, Project, StripId, Verdict, file};
use chois::{Error, Result};
use chois_demo::jobs::{ModelArgs, flow, listen_for_ctrl_c, writable};
use indicatif::{ProgressBar, ProgressStyle};

/// Arguments of `chois render`.
#[derive(clap::Args)]
pub struct Args {
    /// The project (.chois.ron).
    project: PathBuf,
    /// The folder for what is written; by default the project's own.
    #[arg(long)]
    out: Option<PathBuf>,
    /// What is written: glb, bvh, usda, safetensors.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "glb")]
    format: Vec<Kind>,
    /// Frames per second.
    #[arg(long, default_value_t = FPS, value_parser = rate)]
    fps: f32,
    /// Takes that are generated for a strip that lacks one.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=32))]
    variations: u8,
    /// Also write every take that was not discarded, each to files of its own.
    #[arg(long)]
    all_takes: bool,
    /// Save what was generated into the project.
    #[arg(long)]
    save: bool,
    #[command(flatten)]
    model: ModelArgs,
    /// Facts as JSON on stdout.
    #[arg(long)]
    json: bool,
}

/// Kinds of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// Person with skin, objects, contacts as extras.
    Glb,
    /// The person's skeleton.
    Bvh,
    /// Person with skin, objects, contacts as attributes, as USD.
    Usda,
    /// A motion clip.
    Safetensors,
}

impl From<Kind> for Format {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Glb => Self::Glb,
            Kind::Bvh => Self::Bvh,
            Kind::Usda => Self::Usda,
            Kind::Safetensors => Self::Safetensors,
        }
    }
}

fn rate(text: &str) -> std::result::Result<f32, String> {
    let fps = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    if (1.0..=240.0).contains(&fps) {
        Ok(fps)
    } else {
        Err(format!("{fps} is not between 1 and 240"))
    }
}

/// What was done.
#[derive(serde::Serialize)]
struct Facts {
    written: Vec<PathBuf>,
    /// Numbers of the strips that were generated.
    generated: Vec<u64>,
    /// What is not as it should be, and was used all the same.
    warnings: Vec<String>,
    /// Seconds that generating took.
    wall_time: f64,
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.generated.len();
        write!(f, "generated {count} strips in {:.2} s", self.wall_time)?;
        for path in &self.written {
            write!(f, "\nwritten {}", path.display())?;
        }
        Ok(())
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let (mut project, mut library, missing) = file::open(&args.project)?;
    let mut warnings: Vec<String> = missing.iter().map(ToString::to_string).collect();
    if project.tracks.iter().all(|t| t.strips.is_empty()) {
        return Err(Error::invalid(
            args.project.display().to_string(),
            "has no strips to render; add one in the panel",
        ));
    }
    let folder = match &args.out {
        Some(out) => out.clone(),
        None => file::folder(&args.project).to_owned(),
    };
    writable(&folder.join("track.glb"))?;
    let accepted = show_accepted(&mut project);
    let began = Instant::now();
    let generated = fill(args, &mut project, &mut library, &accepted)?;
    let wall_time = began.elapsed().as_secs_f64();
    for (id, state) in stale::states(&project, &library) {
        if state != State::Fresh && accepted.contains(&id) {
            warnings.push(format!(
                "strip {}: its accepted take was made from something else than the strip says now; it is used as it is",
                id.0
            ));
        }
    }
    for warning in &warnings {
        eprintln!("warning: {warning}");
    }
    let formats: Vec<Format> = args.format.iter().map(|kind| (*kind).into()).collect();
    let mut written = Vec::new();
    for job in jobs(&project, &library, args.all_takes)? {
        written.extend(job.write(&folder, args.fps, &formats)?);
    }
    if args.save && !generated.is_empty() {
        file::save(&mut History::new(project), &mut library, &args.project)?;
    }
    let facts = Facts {
        written,
        generated: generated.iter().map(|id| id.0).collect(),
        warnings,
        wall_time,
    };
    if args.json {
        let json = serde_json::to_string_pretty(&facts);
        say!("{}", json.map_err(|e| Error::invalid("facts", e))?);
    } else {
        say!("{facts}");
    }
    Ok(())
}

/// Has strips show their accepted takes; those that have one.
fn show_accepted(project: &mut Project) -> HashSet<StripId> {
    let accepted: Vec<_> = (project.strips().into_iter())
        .filter_map(|(_, strip)| {
            let take = strip.takes.iter().rev();
            let take = take.into_iter().find(|t| t.verdict == Verdict::Accepted)?;
            Some((strip.id, take.id))
        })
        .collect();
    for (strip, take) in &accepted {
        if let Some(strip) = project.strip_mut(*strip) {
            strip.shown = Some(*take);
        }
    }
    accepted.into_iter().map(|(strip, _)| strip).collect()
}

/// Generates what has no accepted take and is out of date.
fn fill(
    args: &Args,
    project: &mut Project,
    library: &mut Library,
    accepted: &HashSet<StripId>,
) -> Result<Vec<StripId>> {
    let mut done = Vec::new();
    let mut synthesizer = None;
    listen_for_ctrl_c();
    loop {
        let wanted = |id| !accepted.contains(&id) && !done.contains(&id);
        let Some((id, _)) = stale::next(project, library, wanted)? else {
            return Ok(done);
        };
        if synthesizer.is_none() {
            synthesizer = Some(args.model.load()?);
        }
        let Some(synthesizer) = &mut synthesizer else {
            continue;
        };
        let bar = ProgressBar::new(0).with_style(
            ProgressStyle::with_template("strip {msg} {bar:30} {pos}/{len}")
                .unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        bar.set_message(id.0.to_string());
        let count = usize::from(args.variations);
        let made = generate(
            project,
            library,
            synthesizer,
            Which::Strip(id),
            count,
            &mut |_, p| {
                bar.set_length(p.total as u64);
                bar.set_position(p.done as u64);
                flow()
            },
        );
        bar.finish_and_clear();
        done.extend(made.map_err(|e| match e {
            Error::Invalid { field, reason } => Error::Invalid {
                field: format!("strip {}: {field}", id.0),
                reason,
            },
            other => other,
        })?);
    }
}

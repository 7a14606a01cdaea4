//! `chois evaluate`.

use std::path::{Path, PathBuf};

use chois::evaluation::walks::{self, WalkMetrics};
use chois::evaluation::windows::{EvaluationConfig, evaluate};
use chois::evaluation::{Metric, Report, Row, aggregate, report::Benchmark};
use chois::request::file::read_guidance;
use chois::request::{GuidanceConfig, SamplingConfig};
use chois::synthesis::Synthesizer;
use chois::text::MiniLm;
use chois::training::dataset::{Choice, Dataset};
use chois::training::locomotion::{self, LocomotionOptions};
use chois::{Error, Result};
use chois_demo::jobs::{ModelArgs, flow, listen_for_ctrl_c};
use indicatif::{ProgressBar, ProgressStyle};

use crate::generate::MethodArg;

/// Arguments of `chois evaluate`.
#[derive(clap::Args)]
pub struct Args {
    /// Folder of motion clips (`*.safetensors`).
    #[arg(long, required_unless_present = "locomotion", requires = "objects")]
    clips: Option<PathBuf>,
    /// Folder of the clips' objects (`<object>.obj`).
    #[arg(long)]
    objects: Option<PathBuf>,
    /// Folder of captured walking (`*.bvh` of one person): every tenth capture, those that `chois train` holds out, is
    /// generated anew without an object.
    #[arg(long)]
    locomotion: Option<PathBuf>,
    #[command(flatten)]
    model: ModelArgs,
    /// The sampler.
    #[arg(long, value_enum, default_value_t = MethodArg::FewStep)]
    method: MethodArg,
    /// Sampling steps.
    #[arg(long, default_value_t = 8)]
    steps: usize,
    /// Frames between the starts of windows; 0 takes only the window that begins with each clip, as the paper does.
    #[arg(long, default_value_t = 30)]
    stride: usize,
    /// Most windows, spread evenly over all.
    #[arg(long, default_value_t = 96)]
    limit: usize,
    /// Seed of the first window.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Windows generated together.
    #[arg(long, default_value_t = 8)]
    batch: usize,
    /// Guidance weights (.ron or .json) in place of the defaults.
    #[arg(long)]
    guidance: Option<PathBuf>,
    /// The table as JSON on stdout.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let guidance = match &args.guidance {
        Some(path) => read_guidance(path)?,
        None => GuidanceConfig::default(),
    };
    listen_for_ctrl_c();
    let synthesizer = args.model.load()?;
    let encoder = MiniLm::load(&MiniLm::default_folder())?;
    if let Some(folder) = &args.locomotion {
        evaluate_walks(args, folder, &synthesizer, &encoder, guidance)?;
    }
    match (&args.clips, &args.objects) {
        (Some(clips), Some(objects)) => {
            evaluate_clips(args, [clips, objects], &synthesizer, &encoder, guidance)
        }
        _ => Ok(()),
    }
}

/// The two ways in which everything is generated.
fn ways(args: &Args, guidance: GuidanceConfig) -> [(&'static str, EvaluationConfig); 2] {
    let config = |guidance| EvaluationConfig {
        sampling: SamplingConfig {
            method: args.method.into(),
            steps: args.steps,
        },
        guidance,
        seed: args.seed,
        batch: args.batch,
    };
    [
        ("guided", config(guidance)),
        ("no guidance", config(GuidanceConfig::off())),
    ]
}

/// Windows at the stride that was asked for, at most as many as that.
fn chosen(args: &Args, data: &Dataset) -> Vec<Choice> {
    let mut choices: Vec<Choice> = data.windows(args.stride.max(1));
    if args.stride == 0 {
        choices.retain(|c| c.start == 0);
    }
    let step = choices.len().div_ceil(args.limit.max(1)).max(1);
    choices.into_iter().step_by(step).collect()
}

/// Captured walks, without an object.
fn evaluate_walks(
    args: &Args,
    folder: &Path,
    synthesizer: &Synthesizer,
    encoder: &MiniLm,
    guidance: GuidanceConfig,
) -> Result<()> {
    let walks = locomotion::load(
        folder,
        synthesizer.skeleton(),
        &synthesizer.checkpoint().standing(),
        &LocomotionOptions {
            footwork: false,
            ..LocomotionOptions::default()
        },
    )?;
    let (_, held) = locomotion::hold_out(walks);
    let data = Dataset::of_walks(&held, encoder, false)?;
    let choices = chosen(args, &data);
    if choices.is_empty() {
        return Err(Error::malformed(
            folder,
            "folder of walking",
            "no capture that is held out is as long as a window (4 s)",
        ));
    }
    for (name, config) in ways(args, guidance) {
        let metrics = walks::evaluate(
            &synthesizer.generator(),
            &data,
            &choices,
            &config,
            &mut |_| flow(),
        )?;
        let mean = WalkMetrics::mean(&metrics)?;
        if args.json {
            let json = serde_json::json!({ "walks": name, "metrics": mean });
            say!("{json}");
        } else {
            say!("walks, {name}, {mean}");
        }
    }
    Ok(())
}

/// Captured interactions.
fn evaluate_clips(
    args: &Args,
    [clips, objects]: [&PathBuf; 2],
    synthesizer: &Synthesizer,
    encoder: &MiniLm,
    guidance: GuidanceConfig,
) -> Result<()> {
    let data = Dataset::load(clips, objects, encoder, false)?;
    let choices = chosen(args, &data);
    if choices.is_empty() {
        return Err(Error::malformed(
            clips,
            "folder of motion clips",
            "no clip is as long as a window (4 s)",
        ));
    }
    let generator = synthesizer.generator();
    let mut rows = Vec::new();
    let mut captured = None;
    for (name, config) in ways(args, guidance) {
        let bar = ProgressBar::new(choices.len() as u64).with_style(
            ProgressStyle::with_template("{msg} {bar:30} {pos}/{len} windows, {eta} left")
                .unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        bar.set_message(name);
        let metrics = evaluate(&generator, &data, &choices, &config, &mut |p| {
            bar.set_position(p.done as u64);
            flow()
        })?;
        bar.finish_and_clear();
        let means = aggregate(&metrics)?;
        rows.push(Row::measured(name, metrics.len(), &means));
        captured.get_or_insert_with(|| Row::captured(metrics.len(), &means));
    }
    rows.extend(captured);
    let title = format!(
        "{} on {} windows of {}, {} steps",
        synthesizer.checkpoint().config.name,
        choices.len(),
        clips.file_name().unwrap_or_default().to_string_lossy(),
        args.steps
    );
    let report = Report::new(title, rows, Benchmark::FullBodyManipulation)
        .note("published: other data, test subjects and evaluator; its R_prec and FID have no counterpart here")
        .note(format!(
            "{} and {}: bones of the hands in place of a skinned body's",
            Metric::HandPenetration.symbol(),
            Metric::HandPenetrationCorrected.symbol()
        ));
    if args.json {
        let json = serde_json::to_string_pretty(&report);
        say!("{}", json.map_err(|e| Error::invalid("report", e))?);
    } else {
        say!("{report}");
    }
    Ok(())
}

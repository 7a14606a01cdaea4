//! `chois evaluate`.

use std::path::PathBuf;

use chois::evaluation::windows::{EvaluationConfig, evaluate};
use chois::evaluation::{Metric, Report, Row, aggregate, report::Benchmark};
use chois::request::file::read_guidance;
use chois::request::{GuidanceConfig, SamplingConfig};
use chois::text::MiniLm;
use chois::training::dataset::{Choice, Dataset};
use chois::{Error, Result};
use chois_demo::jobs::{ModelArgs, flow, listen_for_ctrl_c};
use indicatif::{ProgressBar, ProgressStyle};

use crate::generate::MethodArg;

/// Arguments of `chois evaluate`.
#[derive(clap::Args)]
pub struct Args {
    /// Folder of motion clips (`*.safetensors`).
    #[arg(long)]
    clips: PathBuf,
    /// Folder of the clips' objects (`<object>.obj`).
    #[arg(long)]
    objects: PathBuf,
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
    let data = Dataset::load(&args.clips, &args.objects, &encoder, false)?;
    let mut choices: Vec<Choice> = data.windows(args.stride.max(1));
    if args.stride == 0 {
        choices.retain(|c| c.start == 0);
    }
    let step = choices.len().div_ceil(args.limit.max(1)).max(1);
    let choices: Vec<Choice> = choices.into_iter().step_by(step).collect();
    if choices.is_empty() {
        return Err(Error::malformed(
            &args.clips,
            "folder of motion clips",
            "no clip is as long as a window (4 s)",
        ));
    }
    let generator = synthesizer.generator();
    let mut rows = Vec::new();
    let mut captured = None;
    for (name, guidance) in [("guided", guidance), ("no guidance", GuidanceConfig::off())] {
        let bar = ProgressBar::new(choices.len() as u64).with_style(
            ProgressStyle::with_template("{msg} {bar:30} {pos}/{len} windows, {eta} left")
                .unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        bar.set_message(name);
        let config = EvaluationConfig {
            sampling: SamplingConfig {
                method: args.method.into(),
                steps: args.steps,
            },
            guidance,
            seed: args.seed,
            batch: args.batch,
        };
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
        args.clips.file_name().unwrap_or_default().to_string_lossy(),
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

//! `chois train-evaluator`.

use std::path::PathBuf;

use chois::evaluation::evaluator::{
    CONFIG_VERSION, Evaluator, EvaluatorConfig, EvaluatorTraining, HeldOut, Widths, Words,
};
use chois::text::MiniLm;
use chois::training::dataset::Dataset;
use chois::training::evaluator::{EvaluatorTrainer, held_out, split};
use chois::{Error, Result};
use chois_demo::jobs::{flow, listen_for_ctrl_c, paired};
use indicatif::{ProgressBar, ProgressStyle};

/// Arguments of `chois train-evaluator`.
#[derive(clap::Args)]
pub struct Args {
    /// Folder of motion clips (`*.safetensors`); may be given several times, each with its `--objects`.
    #[arg(long, required = true)]
    clips: Vec<PathBuf>,
    /// Folder of the clips' objects; one for each `--clips`.
    #[arg(long, required = true)]
    objects: Vec<PathBuf>,
    /// Folder for the evaluator.
    #[arg(long)]
    out: PathBuf,
    /// JSON file with settings in place of the defaults.
    #[arg(long)]
    settings: Option<PathBuf>,
    /// Optimiser steps.
    #[arg(long)]
    steps: Option<u64>,
    /// Seed of weights, windows and chance: the same number on the same data, the same file.
    #[arg(long)]
    seed: Option<u64>,
    /// Source of the data, kept with the evaluator and told beside its figures.
    #[arg(long, default_value = "data not told of")]
    data: String,
    /// Terms of the weights, kept with the evaluator.
    #[arg(long, default_value = "not told")]
    licence: String,
}

fn settings(args: &Args) -> Result<EvaluatorTraining> {
    let mut settings = match &args.settings {
        None => EvaluatorTraining::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|source| Error::Read {
                path: path.clone(),
                source,
            })?;
            serde_json::from_str(&text)
                .map_err(|e| Error::malformed(path, "evaluator settings", e))?
        }
    };
    settings.steps = args.steps.unwrap_or(settings.steps);
    settings.seed = args.seed.unwrap_or(settings.seed);
    settings.validate()?;
    Ok(settings)
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    paired(&args.clips, &args.objects)?;
    let settings = settings(args)?;
    listen_for_ctrl_c();
    // The order in which threads add is chance.
    chois::device::set_threads(1);
    let encoder = MiniLm::load(&MiniLm::default_folder())?;
    let mut data: Option<Dataset> = None;
    for (clips, objects) in args.clips.iter().zip(&args.objects) {
        eprintln!("reading clips from {}", clips.display());
        let more = Dataset::load(clips, objects, &encoder, true)?;
        data = Some(match data {
            Some(data) => data.merged(more),
            None => more,
        });
    }
    let data = data.ok_or_else(|| Error::invalid("clips", "no folder is given"))?;
    let split = split(data)?;
    eprintln!(
        "{} clips to learn from, {} of held-out captures, {} of held-out sentences, mirrored twins included",
        split.train.sources.len(),
        split.motions.sources.len(),
        split.sentences.sources.len()
    );
    let widths = Widths::default();
    let mut trainer =
        EvaluatorTrainer::new(&split.train, &encoder, widths.clone(), settings.clone())?;
    let bar = ProgressBar::new(settings.steps).with_style(
        ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let mut recent = [0.0; 3];
    trainer.run(&mut |report| {
        bar.inc(1);
        for (sum, value) in recent
            .iter_mut()
            .zip([report.loss, report.together, report.violating])
        {
            *sum += value / 50.0;
        }
        if report.step.is_multiple_of(50) {
            let [loss, together, violating] = recent;
            let line = format!(
                "loss {loss:.2} (together {together:.2}, {:.0}% too near)",
                violating * 100.0
            );
            recent = [0.0; 3];
            bar.set_message(line.clone());
            if bar.is_hidden() {
                eprintln!("step {} {line}", report.step);
            }
        }
        flow()
    })?;
    bar.finish_and_clear();
    let mut config = EvaluatorConfig {
        version: CONFIG_VERSION,
        widths,
        words: Words::name(&encoder).to_owned(),
        training: settings,
        data: args.data.clone(),
        licence: args.licence.clone(),
        held_captures: split.held_captures,
        held_sentences: split.held_sentences,
        on_motions: HeldOut::default(),
        on_sentences: HeldOut::default(),
    };
    let weights = trainer.weights();
    Evaluator::save(&args.out, &config, &weights)?;
    // Measured as it lies on disk, in half precision.
    let evaluator = Evaluator::load(&args.out)?;
    config.on_motions = held_out(&evaluator, &encoder, &split.motions)?;
    config.on_sentences = held_out(&evaluator, &encoder, &split.sentences)?;
    Evaluator::save(&args.out, &config, &weights)?;
    for (name, held) in [
        ("motions", &config.on_motions),
        ("sentences", &config.on_sentences),
    ] {
        match held.r_precision {
            Some([a, b, c]) => say!(
                "held-out {name}: R-precision top 1 {a:.2}, top 2 {b:.2}, top 3 {c:.2} of 32 ({} windows, {} sentences)",
                held.windows,
                held.sentences
            ),
            None => say!(
                "held-out {name}: {} windows, too few for a pool of 32",
                held.windows
            ),
        }
    }
    say!("evaluator in {}", args.out.display());
    Ok(())
}

//! `chois train`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chois::condition::{Fill, Skip, WalkSkip, Walking};
use chois::model::config::{
    Architecture, Basis, CONFIG_VERSION, Conditioning, DiffusionConfig, Provenance, TextEncoderKind,
};
use chois::model::{Checkpoint, ModelConfig};
use chois::text::{MiniLm, TextEncoder};
use chois::training::dataset::Dataset;
use chois::training::evaluator::capture_of;
use chois::training::hold_out::{self, HoldOut};
use chois::training::locomotion::{self, LocomotionOptions};
use chois::training::trainer::{Trainer, TrainingConfig};
use chois::{Error, Result};
use chois_demo::jobs::{paired, spread};
use indicatif::{ProgressBar, ProgressStyle};

/// Arguments of `chois train`.
#[derive(clap::Args)]
#[group(skip)]
#[command(group = clap::ArgGroup::new("walk_data").args(["locomotion", "walks"]).multiple(true))]
pub struct Args {
    /// Folder of motion clips (`*.safetensors`); may be given several times, each with its `--objects`.
    #[arg(long, required = true)]
    clips: Vec<PathBuf>,
    /// Folder of the clips' objects (`<object>.obj` in the capture's frame, or `<object>.glb`); one for each `--clips`.
    #[arg(long, required = true)]
    objects: Vec<PathBuf>,
    /// How often windows of each `--clips` are drawn, in proportion; by default all alike, however many clips they have.
    #[arg(long)]
    weight: Vec<f64>,
    /// Folder of captured walking (`*.bvh` of one person): the network learns to walk without an object too.
    #[arg(long)]
    locomotion: Option<PathBuf>,
    /// Folder of made walking (`*.safetensors` without an object, as `chois synthesize --walks` writes it): the same.
    #[arg(long)]
    walks: Option<PathBuf>,
    /// Share of windows that walk (0 to 1).
    #[arg(long, requires = "walk_data")]
    walking: Option<f64>,
    /// What a walk's output is measured from; otherwise the joints, or what `--from` has learned.
    #[arg(long, value_enum)]
    walk_skip: Option<WalkSkipArg>,
    /// Begin from the weights, bounds and bones of this checkpoint instead of from nothing.
    #[arg(long, conflicts_with = "resume")]
    from: Option<PathBuf>,
    /// Distil this checkpoint into one of the same form that needs fewer steps.
    #[arg(long, conflicts_with_all = ["resume", "from", "schedule"])]
    distil: Option<PathBuf>,
    /// Steps of the noise schedule to train on; otherwise 1000, or those of `--from`.
    #[arg(long, conflicts_with = "resume", value_parser = clap::value_parser!(i64).range(1..=10_000))]
    schedule: Option<i64>,
    /// Learning rate.
    #[arg(long)]
    rate: Option<f64>,
    /// Folder for the training state and the checkpoint.
    #[arg(long)]
    out: PathBuf,
    /// JSON file with training settings; the defaults suit the compact network on two cores.
    #[arg(long)]
    settings: Option<PathBuf>,
    /// Size of the network.
    #[arg(long, value_enum, default_value_t = Size::Compact)]
    size: Size,
    /// What fills the condition between given frames.
    #[arg(long, value_enum, default_value_t = FillArg::Interpolate)]
    fill: FillArg,
    /// What the network's output is measured from.
    #[arg(long, value_enum, default_value_t = SkipArg::Object)]
    skip: SkipArg,
    /// Noise and predictions in the units of what is learned from, for a run that begins from nothing.
    #[arg(long, conflicts_with_all = ["resume", "from", "distil"])]
    precondition: bool,
    /// Optimiser steps of the whole run.
    #[arg(long)]
    steps: Option<u64>,
    /// Last share of the run over which the learning rate falls.
    #[arg(long)]
    decay: Option<f64>,
    /// Large products in bfloat16 (faster on GPUs and on some processors, slower on others: try).
    #[arg(long)]
    mixed: bool,
    /// Keep this out of training, "subject=NAME" or "object=NAME", with all that was made of it; may be given several times.
    /// It is validated on, written into the checkpoint, and set apart by `chois evaluate`.
    #[arg(long, value_name = "KIND=NAME")]
    hold_out: Vec<HoldOut>,
    /// Do not add mirrored twins.
    #[arg(long)]
    no_mirror: bool,
    /// Continue from the state in the output folder.
    #[arg(long)]
    resume: bool,
    /// Minutes between savings of the state.
    #[arg(long, default_value_t = 4.0, value_parser = minutes)]
    save_every: f64,
    /// Steps between validations.
    #[arg(long, default_value_t = 250, value_parser = clap::value_parser!(u64).range(1..))]
    validate_every: u64,
    /// Name of the model; otherwise that of the checkpoint it begins from, or chois-compact.
    #[arg(long)]
    name: Option<String>,
    /// Stop after this many minutes, saving.
    #[arg(long)]
    minutes: Option<f64>,
    /// Source of the data, kept in the checkpoint for its model card.
    #[arg(long)]
    data: Option<String>,
    /// Terms of the weights, kept in the checkpoint for its model card.
    #[arg(long)]
    licence: Option<String>,
}

/// A number of minutes that a clock can wait.
fn minutes(word: &str) -> std::result::Result<f64, String> {
    let minutes: f64 = word.parse().map_err(|e| format!("{e}"))?;
    if (0.0..=1e6).contains(&minutes) {
        Ok(minutes)
    } else {
        Err("give between 0 and 1000000 minutes".into())
    }
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Size {
    /// Width 256, for the CPU.
    Compact,
    /// The published size.
    Official,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum FillArg {
    Zeros,
    Interpolate,
    Hold,
}

impl From<FillArg> for Fill {
    fn from(arg: FillArg) -> Self {
        match arg {
            FillArg::Zeros => Self::Zeros,
            FillArg::Interpolate => Self::Interpolate,
            FillArg::Hold => Self::Hold,
        }
    }
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum WalkSkipArg {
    None,
    Pelvis,
    Joints,
    Pose,
}

impl From<WalkSkipArg> for WalkSkip {
    fn from(arg: WalkSkipArg) -> Self {
        match arg {
            WalkSkipArg::None => Self::None,
            WalkSkipArg::Pelvis => Self::Pelvis,
            WalkSkipArg::Joints => Self::Joints,
            WalkSkipArg::Pose => Self::Pose,
        }
    }
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum SkipArg {
    None,
    Object,
    ObjectAndJoints,
    ObjectAndPose,
}

/// Of the first folder's clips, one of so many is held out.
const HELD_OUT: usize = 20;

/// Most windows that are validated on: what is held out by name can be thousands.
const VALIDATED: usize = 512;

/// All clips of all folders, and those held out.
fn read_clips(args: &Args, encoder: &MiniLm) -> Result<(Dataset, Dataset)> {
    paired(&args.clips, &args.objects)?;
    let weights = match args.weight.len() {
        0 => vec![1.0; args.clips.len()],
        n if n == args.clips.len() && args.weight.iter().all(|w| w.is_finite() && *w > 0.0) => {
            args.weight.clone()
        }
        n => {
            return Err(Error::invalid(
                "weight",
                format!(
                    "{n} of them for {} folders of clips; give each a number above 0, or none",
                    args.clips.len()
                ),
            ));
        }
    };
    let mut all: Option<(Dataset, Dataset)> = None;
    for ((clips, objects), weight) in args.clips.iter().zip(&args.objects).zip(weights) {
        eprintln!("reading clips from {}", clips.display());
        let data = Dataset::load(clips, objects, encoder, !args.no_mirror)?;
        all = Some(match all {
            Some((all, held)) => {
                // Nor is what was made of what is held out.
                let captures: BTreeSet<String> = (held.sources.iter())
                    .map(|s| capture_of(&s.name).to_owned())
                    .collect();
                let (_, data) = data.partition(|s| captures.contains(capture_of(&s.name)));
                (all.merged(data.weighing(weight)), held)
            }
            None => {
                let (train, held) = data.split(HELD_OUT);
                (train.weighing(weight), held)
            }
        });
    }
    all.ok_or_else(|| Error::invalid("clips", "no folder is given"))
}

/// Moves what is not to be seen from what is learned from to what is validated on.
fn hold_out(train: Dataset, held: Dataset, what: &[HoldOut]) -> Result<(Dataset, Dataset)> {
    if what.is_empty() {
        return Ok((train, held));
    }
    let (train, more) = hold_out::split(train, what)?;
    Ok((train, held.merged(more)))
}

/// Walking, captured on the model's person and made: what to learn from, and every tenth held out. None where no folder is
/// named.
fn read_walks(
    args: &Args,
    model: &ModelConfig,
    encoder: &MiniLm,
) -> Result<Option<(Dataset, Dataset)>> {
    let captured = |folder: &PathBuf| {
        eprintln!("reading walking from {}", folder.display());
        let options = LocomotionOptions::default();
        locomotion::load(folder, &model.skeleton(), &model.standing(), &options)
    };
    let made = |folder: &PathBuf| {
        eprintln!("reading walks from {}", folder.display());
        locomotion::read(folder)
    };
    let folders = [
        args.locomotion.as_ref().map(captured).transpose()?,
        args.walks.as_ref().map(made).transpose()?,
    ];
    let mut all: Option<(Dataset, Dataset)> = None;
    for walks in folders.into_iter().flatten() {
        let (train, held) = locomotion::hold_out(walks);
        let held = Dataset::captured_walks(&held);
        let train = Dataset::of_walks(&train, encoder, !args.no_mirror)?;
        let held = Dataset::of_walks(&held, encoder, false)?;
        all = Some(match all {
            Some((a, b)) => (a.merged(train), b.merged(held)),
            None => (train, held),
        });
    }
    Ok(all)
}

/// How walking reaches the network, where there is walking to learn from: as it has `known`, unless told.
fn walking(args: &Args, known: Option<Walking>) -> Option<Walking> {
    let known = known.unwrap_or(Walking {
        fill: args.fill.into(),
        ..Walking::default()
    });
    (args.locomotion.is_some() || args.walks.is_some()).then(|| Walking {
        skip: args.walk_skip.map_or(known.skip, WalkSkip::from),
        ..known
    })
}

/// Where the weights come from, as told; what is not told is said to be unknown, not what it was before.
fn provenance(args: &Args, from: Option<&Provenance>) -> Provenance {
    let told = |word: &Option<String>, before: Option<&String>| match (word, before) {
        (Some(word), _) => word.clone(),
        (None, Some(before)) => format!("{before}; not told of what was learned since"),
        (None, None) => "not told".to_owned(),
    };
    Provenance {
        data: told(&args.data, from.map(|p| &p.data)),
        licence: told(&args.licence, from.map(|p| &p.licence)),
        held_out: args.hold_out.iter().map(HoldOut::to_string).collect(),
        ..Provenance::default()
    }
}

/// Settings of the run: the file's or the size's, then the arguments'.
fn settings(args: &Args) -> Result<TrainingConfig> {
    let mut settings: TrainingConfig = match (&args.settings, args.size) {
        (Some(path), _) => {
            let text = std::fs::read_to_string(path).map_err(|source| Error::Read {
                path: path.clone(),
                source,
            })?;
            serde_json::from_str(&text)
                .map_err(|e| Error::malformed(path, "training settings", e))?
        }
        (None, Size::Compact) => TrainingConfig::default(),
        (None, Size::Official) => TrainingConfig::official(),
    };
    settings.steps = args.steps.unwrap_or(settings.steps);
    settings.decay = args.decay.unwrap_or(settings.decay);
    settings.rate = args.rate.unwrap_or(settings.rate);
    settings.walking = args.walking.unwrap_or(settings.walking);
    settings.mixed |= args.mixed;
    Ok(settings)
}

/// A model that has learned nothing yet.
fn fresh(
    args: &Args,
    encoder: &MiniLm,
    train: &Dataset,
    statistics: chois::motion::features::Statistics,
) -> ModelConfig {
    let skeleton = train
        .sources
        .first()
        .map(|s| s.skeleton.rest_offsets.map(|o| [o.x, o.y, o.z]).to_vec())
        .unwrap_or_default();
    ModelConfig {
        version: CONFIG_VERSION,
        name: args.name.clone().unwrap_or_else(|| "chois-compact".into()),
        architecture: match args.size {
            Size::Compact => Architecture::compact(),
            Size::Official => Architecture {
                text_width: encoder.dimension() as i64,
                ..Architecture::official()
            },
        },
        conditioning: Conditioning {
            fill: args.fill.into(),
            skip: match args.skip {
                SkipArg::None => Skip::None,
                SkipArg::Object => Skip::Object,
                SkipArg::ObjectAndJoints => Skip::ObjectAndJoints,
                SkipArg::ObjectAndPose => Skip::ObjectAndPose,
            },
            spread: None,
            features: None,
            walking: walking(args, None),
        },
        diffusion: DiffusionConfig {
            steps: args.schedule.unwrap_or(1000),
            clamp: false,
            spread: None,
            walk_spread: None,
        },
        text_encoder: TextEncoderKind::MiniLm,
        statistics,
        skeleton,
        trans2joint: [0.0; 3],
        standing: Some(train.standing()),
        basis: Basis::Standard,
        provenance: provenance(args, None),
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let device = chois::device::choose();
    let encoder = MiniLm::load(&MiniLm::default_folder())?;
    let (train, held) = read_clips(args, &encoder)?;
    let (mut train, mut held) = hold_out(train, held, &args.hold_out)?;
    let state = args.out.join("state.safetensors");
    let mut trainer = if args.resume {
        let kept = Trainer::resume(&state, device, None)?;
        let change = (
            args.steps.unwrap_or(kept.config().steps),
            args.decay.unwrap_or(kept.config().decay),
        );
        // What was held out when the run began is held out to its end.
        let recorded = kept.model().provenance.held_out;
        let recorded: Vec<HoldOut> = recorded.iter().map(|h| h.parse()).collect::<Result<_>>()?;
        let more: Vec<HoldOut> = (recorded.into_iter())
            .filter(|h| !args.hold_out.contains(h))
            .collect();
        (train, held) = hold_out(train, held, &more)?;
        Trainer::resume(&state, device, Some(change))?
    } else if let Some(folder) = args.from.as_ref().or(args.distil.as_ref()) {
        let Checkpoint {
            mut config,
            weights,
            ..
        } = Checkpoint::load(folder)?;
        if let Some(name) = &args.name {
            config.name.clone_from(name);
        }
        config.conditioning.walking = walking(args, config.conditioning.walking);
        config.provenance = provenance(args, Some(&config.provenance));
        config.diffusion.steps = args.schedule.unwrap_or(config.diffusion.steps);
        if args.distil.is_some() {
            Trainer::distil(config, settings(args)?, device, &weights)?
        } else {
            Trainer::tune(config, settings(args)?, device, &weights)?
        }
    } else {
        let statistics = train.statistics(0.25).joined(&held.statistics(0.25));
        let mut model = fresh(args, &encoder, &train, statistics);
        if let Some((walks, _)) = read_walks(args, &model, &encoder)? {
            // Walks go farther than what is carried: bounds must cover them.
            model.statistics = model.statistics.joined(&walks.statistics(0.25));
        }
        Trainer::new(model, settings(args)?, device)?
    };
    if let Some((walks, held_walks)) = read_walks(args, &trainer.model(), &encoder)? {
        train = train.merged(walks);
        held = held.merged(held_walks);
    }
    if args.precondition {
        trainer.precondition(&train)?;
    }
    let train = Arc::new(train);
    let windows = spread(held.windows(15), VALIDATED);
    eprintln!(
        "{} clips to learn from, {} held out ({} windows){}; device {device:?}",
        train.sources.len(),
        held.sources.len(),
        windows.len(),
        if args.no_mirror {
            ""
        } else {
            ", mirrored twins included"
        }
    );
    if train.has_interactions() {
        eprintln!(
            "loaders prepare {:.1} batches a second",
            trainer.loader_rate(&train)
        );
    }
    let bar = ProgressBar::new(trainer.config().steps)
        .with_position(trainer.step_count())
        .with_style(
            ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} {eta} left")
                .unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
    bar.reset_eta();
    let save = |trainer: &Trainer| -> Result<()> {
        trainer.save(&state)?;
        let mut config = trainer.model();
        // States of before this field existed.
        config.standing.get_or_insert_with(|| train.standing());
        Checkpoint {
            config,
            weights: trainer.average().clone(),
            basis: chois::geometry::BpsBasis::standard().clone(),
        }
        .save(&args.out, true)
    };
    let began = Instant::now();
    let mut saved = Instant::now();
    let mut recent = (0.0, 0.0, 0_u32, Instant::now());
    trainer.run(&train, |trainer, report| {
        if !report.skipped {
            recent.0 += report.total;
            recent.1 += report.diffusion;
            recent.2 += 1;
        }
        bar.inc(1);
        let step = trainer.step_count();
        if step % 25 == 0 && recent.2 > 0 {
            let n = f64::from(recent.2);
            let speed = n / recent.3.elapsed().as_secs_f64();
            let line = format!(
                "loss {:.4} (diffusion {:.4} contact {:.3} kinematics {:.3} object {:.3} hands {:.3} slip {:.4} feet {:.4} squared {:.4} units {:.4} acceleration {:.1e}) rate {:.1e} gradient {:.2} {speed:.2} steps/s{}",
                recent.0 / n,
                recent.1 / n,
                report.contact,
                report.kinematics,
                report.keypoints,
                report.hand_object,
                report.hand_slip,
                report.foot_speed,
                report.squared,
                report.units,
                report.acceleration,
                report.rate,
                report.gradient,
                match trainer.skipped() {
                    0 => String::new(),
                    n => format!(", {n} batches skipped"),
                }
            );
            bar.set_message(line.clone());
            if bar.is_hidden() {
                eprintln!("step {step} {line}");
            }
            recent = (0.0, 0.0, 0, Instant::now());
        }
        if step % args.validate_every == 0 && !windows.is_empty() {
            let loss = trainer.validate(&held, &windows)?;
            let line = format!("step {step} held-out loss {loss:.4}");
            bar.println(line.clone());
            if bar.is_hidden() {
                eprintln!("{line}");
            }
        }
        if saved.elapsed() > Duration::from_secs_f64(args.save_every * 60.0) {
            save(trainer)?;
            saved = Instant::now();
        }
        let out_of_time = args
            .minutes
            .is_some_and(|m| began.elapsed().as_secs_f64() > m * 60.0);
        Ok(!out_of_time)
    })?;
    save(&trainer)?;
    bar.finish();
    say!(
        "{} steps in {:.0} s, checkpoint in {}",
        trainer.step_count(),
        trainer.seconds(),
        args.out.display()
    );
    Ok(())
}

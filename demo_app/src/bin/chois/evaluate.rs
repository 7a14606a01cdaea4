//! `chois evaluate`.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use chois::clip::glb::{self, GlbOptions};
use chois::clip::{self, file_name};
use chois::evaluation::evaluator::{Evaluator, Words};
use chois::evaluation::study::{Extras, Stage, Study, StudyConfig};
use chois::evaluation::t2m::POOL;
use chois::evaluation::walks;
use chois::evaluation::windows::{self, Measured};
use chois::evaluation::{Metric, Report, Row, page, report::Benchmark};
use chois::request::GuidanceConfig;
use chois::request::file::read_guidance;
use chois::synthesis::Synthesizer;
use chois::text::MiniLm;
use chois::training::dataset::{Choice, Dataset};
use chois::training::hold_out::HoldOut;
use chois::training::locomotion::{self, LocomotionOptions};
use chois::{Error, Result};
use chois_demo::assets;
use chois_demo::jobs::{ModelArgs, flow, listen_for_ctrl_c, paired, spread, writable};
use indicatif::{ProgressBar, ProgressStyle};

use crate::generate::MethodArg;

/// Arguments of `chois evaluate`.
#[derive(clap::Args)]
pub struct Args {
    /// Folder of motion clips (`*.safetensors`); may be given several times, each with its `--objects`: a table for each.
    #[arg(long, required_unless_present = "locomotion", requires = "objects")]
    clips: Vec<PathBuf>,
    /// Folder of the clips' objects (`<object>.obj`); one for each `--clips`.
    #[arg(long)]
    objects: Vec<PathBuf>,
    /// Folder of captured walking (`*.bvh` of one person): every tenth capture, those that `chois train` holds out, is
    /// generated anew without an object.
    #[arg(long)]
    locomotion: Option<PathBuf>,
    #[command(flatten)]
    model: ModelArgs,
    /// The sampler.
    #[arg(long, value_enum, default_value_t = MethodArg::FewStep)]
    method: MethodArg,
    /// Sampling steps; several numbers apart by commas are each tried.
    #[arg(long, value_delimiter = ',', default_value = "8")]
    steps: Vec<usize>,
    /// Frames between the starts of windows; 0 takes only the window that begins with each clip, as the paper does.
    #[arg(long, default_value_t = 30)]
    stride: usize,
    /// Most windows, spread evenly over all.
    #[arg(long, default_value_t = 96)]
    limit: usize,
    /// Seed of the first window.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seeds are tried: the table then shows their mean, and half the range of the seeds' means after ±.
    #[arg(long, default_value_t = 1)]
    seeds: usize,
    /// Long sequences of so many windows too, one for each object and sentence of the clips.
    #[arg(long, value_name = "WINDOWS")]
    long: Option<usize>,
    /// Windows generated together.
    #[arg(long, default_value_t = 8)]
    batch: usize,
    /// Guidance weights (.ron or .json) in place of the defaults.
    #[arg(long)]
    guidance: Option<PathBuf>,
    /// Folder of an evaluator, for R-precision and FID; by default the shipped one where there is one.
    #[arg(long)]
    evaluator: Option<PathBuf>,
    /// Do without an evaluator.
    #[arg(long, conflicts_with = "evaluator")]
    no_evaluator: bool,
    /// Show windows of this apart, "subject=NAME" or "object=NAME"; by default what the model's training held out.
    #[arg(long, value_name = "KIND=NAME")]
    hold_out: Vec<HoldOut>,
    /// A page with tables and plots of all that is evaluated (.html), one file that needs no network.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Folder for what was generated of each window of the clips, to be looked at: guided, with the last of `--steps` and the
    /// first seed, as a motion clip and `.glb`, with the captured motion beside it.
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// The table as JSON on stdout.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    paired(&args.clips, &args.objects)?;
    if let Some(path) = &args.report {
        writable(path)?;
    }
    let guidance = match &args.guidance {
        Some(path) => read_guidance(path)?,
        None => GuidanceConfig::default(),
    };
    let config = StudyConfig {
        method: args.method.into(),
        steps: args.steps.clone(),
        guidance,
        seed: args.seed,
        seeds: args.seeds,
        batch: args.batch,
    };
    config.validate()?;
    listen_for_ctrl_c();
    let mut synthesizer = args.model.load()?;
    let evaluator = match &args.evaluator {
        _ if args.no_evaluator || args.clips.is_empty() => None,
        Some(folder) => Some(Evaluator::load(folder)?),
        None => match assets::find("models/evaluator") {
            Ok(folder) if folder.is_dir() => Some(Evaluator::load(&folder)?),
            _ => None,
        },
    };
    let encoder = MiniLm::load(&MiniLm::default_folder())?;
    let walks = match &args.locomotion {
        Some(folder) => Some(evaluate_walks(
            args,
            folder,
            &synthesizer,
            &encoder,
            &config,
        )?),
        None => None,
    };
    let mut sets = Vec::new();
    for (clips, objects) in args.clips.iter().zip(&args.objects) {
        sets.push(evaluate_clips(
            args,
            [clips, objects],
            &mut synthesizer,
            &encoder,
            evaluator.as_ref(),
            &config,
        )?);
    }
    if let Some(path) = &args.report {
        let sets: Vec<page::Set<'_>> = (sets.iter())
            .map(|set| page::Set {
                name: set.name.clone(),
                study: &set.study,
                report: set.report.clone(),
                apart: set.apart.clone(),
                long: set.long.clone(),
            })
            .collect();
        let config = &synthesizer.checkpoint().config;
        page::write(
            path,
            &config.name,
            &config.provenance,
            &sets,
            walks.as_ref(),
        )?;
        eprintln!("page in {}", path.display());
    }
    Ok(())
}

/// What was measured of one folder of clips.
struct Set {
    name: String,
    study: Study,
    report: Report,
    apart: Vec<Row>,
    long: Option<Report>,
}

/// Windows at the stride that was asked for, at most as many as that.
fn chosen(args: &Args, data: &Dataset) -> Vec<Choice> {
    let mut choices: Vec<Choice> = data.windows(args.stride.max(1));
    if args.stride == 0 {
        choices.retain(|c| c.start == 0);
    }
    spread(choices, args.limit)
}

/// Captured walks, without an object.
fn evaluate_walks(
    args: &Args,
    folder: &Path,
    synthesizer: &Synthesizer,
    encoder: &MiniLm,
    config: &StudyConfig,
) -> Result<Report> {
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
            "no capture that is held out is as long as a window; add one of 4 s or more",
        ));
    }
    let bar = ProgressBar::new(0).with_style(
        ProgressStyle::with_template("walks {bar:30} {pos}/{len}, {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let rows = walks::rows(
        &synthesizer.generator(),
        &data,
        &choices,
        config,
        &mut |progress| {
            bar.set_length(progress.total as u64);
            bar.set_position(progress.done as u64);
            flow()
        },
    )?;
    bar.finish_and_clear();
    let model = &synthesizer.checkpoint().config.name;
    let report = Report {
        title: format!(
            "{model} on {} windows of walks, {}",
            choices.len(),
            steps_in_words(&args.steps)
        ),
        unit_of_length: "cm".into(),
        rows,
        notes: vec![
            "given: the first pose, place and facing at waypoints and at the end; every tenth capture, which training held out"
                .into(),
        ],
    };
    print(args, &report)?;
    Ok(report)
}

/// "8 steps", "1, 2 and 4 steps".
fn steps_in_words(steps: &[usize]) -> String {
    let (last, others) = steps.split_last().map_or((0, &[][..]), |(l, o)| (*l, o));
    let others: Vec<String> = others.iter().map(usize::to_string).collect();
    match others.len() {
        0 if last == 1 => "1 step".into(),
        0 => format!("{last} steps"),
        _ => format!("{} and {last} steps", others.join(", ")),
    }
}

/// Captured interactions.
fn evaluate_clips(
    args: &Args,
    [clips, objects]: [&PathBuf; 2],
    synthesizer: &mut Synthesizer,
    encoder: &MiniLm,
    evaluator: Option<&Evaluator>,
    config: &StudyConfig,
) -> Result<Set> {
    let data = Dataset::load(clips, objects, encoder, false)?;
    let choices = chosen(args, &data);
    if choices.is_empty() {
        return Err(Error::malformed(
            clips,
            "folder of motion clips",
            "no clip is as long as a window; add one of 4 s or more",
        ));
    }
    let bar = ProgressBar::new(0).with_style(
        ProgressStyle::with_template("{msg} {bar:30} {pos}/{len}, {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let mut now: Option<Stage> = None;
    let kept = config.ways().into_iter().rfind(|way| way.guided);
    let study = Study::of(
        synthesizer,
        &data,
        &choices,
        Extras {
            long: args.long,
            evaluator: evaluator.map(|e| (e, encoder as &dyn Words)),
        },
        config,
        &mut |stage, progress| {
            if now.replace(stage) != Some(stage) {
                let what = if stage.long { "long sequences, " } else { "" };
                let (name, steps) = (stage.way.name(), stage.way.steps);
                bar.reset();
                bar.set_message(format!("{what}{name}, steps {steps}, seed {}", stage.seed));
                bar.set_length(progress.total as u64);
            }
            bar.set_position(progress.done as u64);
            flow()
        },
        &mut |stage, made| match &args.keep {
            Some(folder) if Some(stage.way) == kept && stage.seed == 0 => {
                keep(folder, &data, &choices, made)
            }
            _ => Ok(()),
        },
    )?;
    bar.finish_and_clear();
    let model = &synthesizer.checkpoint().config.name;
    let steps = steps_in_words(&args.steps);
    let set = set_name(clips);
    let title = format!("{model} on {} windows of {set}, {steps}", choices.len());
    let recorded = &synthesizer.checkpoint().config.provenance.held_out;
    let held: Vec<HoldOut> = if args.hold_out.is_empty() {
        recorded.iter().map(|h| h.parse()).collect::<Result<_>>()?
    } else {
        args.hold_out.clone()
    };
    let is_unseen = held.iter().all(|h| recorded.contains(&h.to_string()));
    let kinds = if is_unseen {
        ["unseen", "seen"]
    } else {
        // Asked for, but the model's training did not hold it out.
        ["set apart", "others"]
    };
    let apart = study.apart(&held, kinds)?;
    let mut rows = study.rows()?;
    rows.extend(apart.iter().cloned());
    let mut report = Report::new(title, rows, Benchmark::FullBodyManipulation);
    report.notes = notes(&study, evaluator, (kinds[0], &held), recorded.is_empty());
    print(args, &report)?;
    let long = match args.long {
        None => None,
        Some(windows) => {
            let title = format!(
                "{model} on long sequences of {windows} windows, objects and sentences of {set}, {steps}"
            );
            let long = Report::new(title, study.long_rows()?, Benchmark::Long).note(
                "published: paths planned through scanned rooms; here they wind over an empty floor",
            );
            print(args, &long)?;
            Some(long)
        }
    };
    Ok(Set {
        name: set,
        study,
        report,
        apart,
        long,
    })
}

/// Writes what was made of the windows, and what was captured of them.
fn keep(folder: &Path, data: &Dataset, choices: &[Choice], made: &[Measured]) -> Result<()> {
    let mut taken = HashSet::new();
    for (choice, made) in choices.iter().zip(made) {
        let source = &data.sources[choice.source];
        let mesh = source.geometry.as_ref().map(|object| object.original());
        let (captured, _) = data.window(choice);
        let name = file_name(&format!("{}-{}", source.name, choice.start), &mut taken);
        for (window, what) in [(&made.window, "generated"), (&captured, "captured")] {
            let clip = windows::clip(source, window, format!("{name}-{what}"));
            let path = |kind: &str| folder.join(format!("{}.{kind}", clip.name));
            clip::write_clip(&path("safetensors"), &clip)?;
            glb::write(&path("glb"), &clip, mesh.as_ref(), &GlbOptions::default())?;
        }
    }
    eprintln!("{} windows in {}", choices.len(), folder.display());
    Ok(())
}

/// What a reader must know to compare.
fn notes(
    study: &Study,
    evaluator: Option<&Evaluator>,
    (kind, held): (&str, &[HoldOut]),
    trained_on_all: bool,
) -> Vec<String> {
    let mut notes = vec![
        "published: other data, test subjects and evaluator".to_owned(),
        format!(
            "{} and {}: bones of the hands in place of a skinned body's",
            Metric::HandPenetration.symbol(),
            Metric::HandPenetrationCorrected.symbol()
        ),
        format!(
            "{}: of touching palms over the object, cm a frame; it is not the MDev of ROG",
            Metric::ContactSlip.symbol()
        ),
    ];
    match evaluator {
        None => notes.push("R_prec and FID: no evaluator, see `chois train-evaluator`".into()),
        Some(evaluator) => {
            notes.push(format!(
                "R_prec, FID, Matching, Diversity: by an evaluator of our own, trained on {}; figures of different evaluators \
                 cannot be compared, so neither can these and the published ones",
                evaluator.config.data
            ));
            if study.windows.len() < POOL {
                notes.push(format!(
                    "R_prec and FID need {POOL} windows; there are {}",
                    study.windows.len()
                ));
            } else {
                notes.push(format!(
                    "captured: R_prec is what the evaluator can see at all, FID that of one half of the captured windows to the \
                     other; R_prec in pools of {POOL}, {} different sentences in all",
                    study.sentences
                ));
            }
        }
    }
    if trained_on_all {
        notes.push(
            "this model's training held no subject and no object out by name: those of these clips may have been seen".into(),
        );
    }
    if !held.is_empty() {
        let held: Vec<String> = held.iter().map(HoldOut::to_string).collect();
        notes.push(format!("{kind}: {}", held.join(", ")));
    }
    notes
}

/// The folder's name, with its parent's where it is only called "clips".
fn set_name(clips: &Path) -> String {
    let name = |p: &Path| {
        p.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    match (name(clips), clips.parent().map(name)) {
        (own, Some(parent)) if own == "clips" && !parent.is_empty() => format!("{parent}/{own}"),
        (own, _) => own,
    }
}

/// The table, or what it says for machines.
fn print(args: &Args, report: &Report) -> Result<()> {
    if args.json {
        let json = serde_json::to_string_pretty(report);
        say!("{}", json.map_err(|e| Error::invalid("report", e))?);
    } else {
        say!("{report}");
    }
    Ok(())
}

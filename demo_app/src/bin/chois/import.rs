//! `chois import`.

use std::path::{Path, PathBuf};

use chois::clip::read_clip;
use chois::import::{ImportOptions, OfficialCheckpoint, convert, read_bps, read_statistics};
use chois::model::Checkpoint;
use chois::model::config::Basis;
use chois::{Error, Result};

use crate::generate::numbers;

/// Arguments of `chois import`.
#[derive(clap::Args)]
pub struct Args {
    /// The release's checkpoint, `model-10.pt`.
    #[arg(long)]
    model: PathBuf,
    /// Its statistics, `cano_min_max_mean_std_data_window_120_joints24.p`.
    #[arg(long)]
    statistics: PathBuf,
    /// Its basis points, `bps.pt`.
    #[arg(long)]
    bps: PathBuf,
    /// Folder for the checkpoint.
    #[arg(long)]
    out: PathBuf,
    /// A motion clip (.safetensors) whose person's bones become the default person's; an average adult without it.
    #[arg(long)]
    skeleton: Option<PathBuf>,
    /// From the default person's pelvis to SMPL's translation: x,y,z in metres, as trans2joint in the release's sequence
    /// files; an average body's without it.
    #[arg(long, value_parser = numbers::<3>, allow_hyphen_values = true)]
    trans2joint: Option<[f32; 3]>,
    /// Attention heads; they cannot be read from the weights.
    #[arg(long, default_value_t = ImportOptions::default().heads)]
    heads: i64,
    /// Name of the model.
    #[arg(long, default_value_t = ImportOptions::default().name)]
    name: String,
    /// Keep the weights in half precision.
    #[arg(long)]
    half: bool,
    /// Print what was done as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(serde::Serialize)]
struct Facts<'a> {
    name: &'a str,
    out: &'a Path,
    steps: i64,
    weights: usize,
    tensors: usize,
    layers: i64,
    width: i64,
    heads: i64,
    diffusion_steps: i64,
    basis: Basis,
    text_encoder: chois::model::config::TextEncoderKind,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let mut options = ImportOptions {
        name: args.name.clone(),
        heads: args.heads,
        ..ImportOptions::default()
    };
    if let Some(path) = &args.skeleton {
        options.skeleton = read_clip(path)?.skeleton;
    }
    if let Some(values) = args.trans2joint {
        options.trans2joint = values;
    }
    // The small files first: their faults show at once.
    let statistics = read_statistics(&args.statistics)?;
    let basis = read_bps(&args.bps)?;
    eprintln!("reading {}", args.model.display());
    let official = OfficialCheckpoint::read(&args.model)?;
    convert(&official, statistics, basis, &options)?.save(&args.out, args.half)?;
    // What a user will load is what is reported.
    let written = Checkpoint::load(&args.out)?;
    let facts = Facts {
        name: &written.config.name,
        out: &args.out,
        steps: written.config.provenance.steps,
        weights: written.weights.count(),
        tensors: written.weights.iter().count(),
        layers: written.config.architecture.layers,
        width: written.config.architecture.width,
        heads: written.config.architecture.heads,
        diffusion_steps: written.config.diffusion.steps,
        basis: written.config.basis,
        text_encoder: written.config.text_encoder,
    };
    if args.json {
        let line = serde_json::to_string(&facts).map_err(|e| Error::invalid("json", e))?;
        say!("{line}");
    } else {
        say!(
            "{}: {} weights in {} tensors ({} layers, width {}, {} heads), trained {} steps",
            facts.name,
            facts.weights,
            facts.tensors,
            facts.layers,
            facts.width,
            facts.heads,
            facts.steps
        );
        say!(
            "basis points: {}; sentences: CLIP ViT-B/32 (bring its weights)",
            match facts.basis {
                Basis::Standard => "the published table",
                Basis::Tensor => "kept beside the weights",
            }
        );
        say!("checkpoint in {}", args.out.display());
    }
    Ok(())
}

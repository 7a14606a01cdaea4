//! `chois synthesize`.

use std::path::PathBuf;

use chois::training::synthetic::words::Action;
use chois::training::synthetic::{Settings, synthesize};
use chois::{Error, Result};
use indicatif::{ProgressBar, ProgressStyle};

/// Arguments of `chois synthesize`.
#[derive(clap::Args)]
pub struct Args {
    /// Folder for what is made: `clips/*.safetensors`, `objects/*.obj`, `walks/*.safetensors`, `corpus.json`.
    #[arg(long)]
    out: PathBuf,
    /// Hours of motion.
    #[arg(long, default_value_t = 1.0)]
    hours: f64,
    /// Hours of walking with nothing to handle besides, for `chois train --walks`.
    #[arg(long, default_value_t = 0.0)]
    walks: f64,
    /// Where all chance comes from: the same number, the same files.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Threads; what is made does not depend on how many.
    #[arg(long)]
    threads: Option<usize>,
    /// Folder of captured clips (`*.safetensors`) that are shown with other objects, and whose people act.
    #[arg(long, requires = "captured_objects")]
    captured: Option<PathBuf>,
    /// Folder of the captured clips' objects (`<object>.obj`).
    #[arg(long, requires = "captured")]
    captured_objects: Option<PathBuf>,
    /// Folder of captured walking (`*.bvh`), which people who act walk like.
    #[arg(long, requires = "captured")]
    locomotion: Option<PathBuf>,
    /// Folder of meshes that are handled beside those that are made.
    #[arg(long)]
    meshes: Option<PathBuf>,
    /// Nothing from captured motion or objects: people stand, walk and stoop by rule.
    #[arg(long, conflicts_with_all = ["captured", "captured_objects", "locomotion"])]
    own_motion_only: bool,
    /// Share of tries that are made from nothing; the others are captured clips with other objects.
    #[arg(long, default_value_t = 0.5)]
    made_share: f64,
    /// Actions that are made, apart by commas; all unless given.
    #[arg(long, value_delimiter = ',')]
    actions: Vec<String>,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let mut settings = Settings::new(&args.out);
    settings.hours = args.hours;
    settings.walking = args.walks;
    settings.seed = args.seed;
    settings.threads = args.threads.unwrap_or(settings.threads);
    settings.captured = args.captured.clone().zip(args.captured_objects.clone());
    settings.locomotion.clone_from(&args.locomotion);
    settings.meshes.clone_from(&args.meshes);
    settings.own_motion_only = args.own_motion_only;
    settings.made_share = args.made_share;
    if !args.actions.is_empty() {
        let actions = args.actions.iter().map(|name| Action::parse(name));
        settings.actions = actions.collect::<Result<_>>()?;
    }
    const SECONDS: f64 = 3600.0;
    let bar = ProgressBar::new((args.hours.clamp(0.0, 1e6) * SECONDS) as u64).with_style(
        ProgressStyle::with_template("{bar:30} {msg} {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let mut told = 0.0;
    let summary = synthesize(&settings, &mut |hours, tally| {
        bar.set_position((hours * SECONDS) as u64);
        let tried = tally.clips() + tally.refused();
        let line = format!("{hours:.2} h, {} of {tried} clips taken", tally.clips());
        bar.set_message(line.clone());
        if bar.is_hidden() && hours >= told + 0.1 {
            told = hours;
            eprintln!("{line}");
        }
    })?;
    bar.finish_and_clear();
    if args.json {
        let text =
            serde_json::to_string_pretty(&summary).map_err(|e| Error::invalid("summary", e))?;
        say!("{text}");
        return Ok(());
    }
    say!("{}", summary.tally);
    say!("{}", summary.means);
    say!(
        "{} clips, {:.2} h, of {} objects in {}",
        summary.clips,
        summary.hours,
        summary.objects,
        args.out.display()
    );
    let walks = &summary.walks;
    if walks.clips > 0 {
        say!(
            "{} walks, {:.2} h, {} not taken; foot skate {:.2} cm, peak acceleration {:.0} m/s^2",
            walks.clips,
            walks.hours,
            walks.rejected.values().sum::<usize>(),
            walks.means.foot_skate * 100.0,
            walks.means.acceleration
        );
    }
    Ok(())
}

//! `chois walk`.

use std::fmt;
use std::path::PathBuf;
use std::time::Instant;

use chois::clip::glb::{self, GlbOptions};
use chois::clip::{read_clip, write_clip};
use chois::evaluation::metrics::{feet_height, foot_sliding};
use chois::request::{PersonPlace, WalkRequest, Waypoint};
use chois::synthesis::{GeneratedWalk, WalkOrder};
use chois::{Error, Result};
use chois_demo::jobs::{ModelArgs, flow, listen_for_ctrl_c, writable};
use nalgebra::Vector2;

use crate::generate::{numbers, waypoint};

/// Arguments of `chois walk`.
#[derive(clap::Args)]
pub struct Args {
    /// Where the person stands at the end: x,y of the pelvis, metres.
    #[arg(long, value_parser = numbers::<2>, allow_hyphen_values = true)]
    end: [f32; 2],
    /// Where the person faces at the end, degrees from +x; by default as the walk arrives.
    #[arg(long, allow_hyphen_values = true)]
    facing: Option<f32>,
    /// A place that the person passes: x,y in metres, with @seconds if they are to be there at a certain time. Repeatable.
    #[arg(long = "waypoint", value_parser = waypoint, allow_hyphen_values = true)]
    waypoints: Vec<Waypoint>,
    /// Where the person stands at the start: x,y in metres and the direction faced in degrees from +x.
    #[arg(long, value_parser = numbers::<3>, allow_hyphen_values = true, conflicts_with = "after")]
    person: Option<[f32; 3]>,
    /// Go on from the last pose of this motion clip (.safetensors).
    #[arg(long)]
    after: Option<PathBuf>,
    /// Walk backward.
    #[arg(long)]
    backward: bool,
    /// What happens, as a sentence.
    #[arg(long, default_value = "Walk.")]
    text: String,
    /// Length in seconds; by default what an easy pace takes.
    #[arg(long)]
    seconds: Option<f32>,
    /// The same seed gives the same clip.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Sampling steps.
    #[arg(long, default_value_t = 8)]
    steps: usize,
    /// Switch guidance off.
    #[arg(long)]
    no_guidance: bool,
    /// The .glb to write.
    #[arg(long)]
    out: Option<PathBuf>,
    /// The motion clip (.safetensors) to write.
    #[arg(long)]
    clip: Option<PathBuf>,
    #[command(flatten)]
    model: ModelArgs,
    /// Facts as JSON on stdout.
    #[arg(long)]
    json: bool,
}

/// Facts of one generated walk. Metres.
#[derive(serde::Serialize)]
struct Facts {
    text: String,
    out: Option<PathBuf>,
    clip: Option<PathBuf>,
    seed: u64,
    /// Seconds that generating took.
    wall_time: f64,
    frames: usize,
    seconds: f32,
    /// Length of the pelvis' way.
    way: f32,
    /// Distance from each waypoint when it is passed.
    waypoints: Vec<f32>,
    /// Distance from the end.
    end_error: f32,
    foot_sliding: f64,
}

impl Facts {
    fn new(args: &Args, request: &WalkRequest, walk: &GeneratedWalk, wall_time: f64) -> Self {
        let clip = &walk.clip;
        let pelvis: Vec<Vector2<f32>> = clip.frames.iter().map(|f| f.pose.root.xy()).collect();
        let joints: Vec<_> = (0..clip.frames.len()).map(|t| clip.joints(t)).collect();
        Self {
            text: request.text.clone(),
            out: args.out.clone(),
            clip: args.clip.clone(),
            seed: request.seed,
            wall_time,
            frames: clip.frames.len(),
            seconds: clip.seconds(),
            way: pelvis.windows(2).map(|p| (p[1] - p[0]).norm()).sum(),
            waypoints: walk
                .plan
                .waypoint_frames
                .iter()
                .zip(&request.waypoints)
                .map(|(t, w)| (pelvis[*t] - Vector2::from(w.at)).norm())
                .collect(),
            end_error: pelvis
                .last()
                .map_or(0.0, |p| (p - Vector2::from(request.end)).norm()),
            foot_sliding: foot_sliding(&joints, feet_height(&joints)),
        }
    }
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for path in self.out.iter().chain(&self.clip) {
            writeln!(f, "wrote {}", path.display())?;
        }
        writeln!(
            f,
            "{} frames ({:.1} s, {:.2} m) in {:.2} s",
            self.frames, self.seconds, self.way, self.wall_time
        )?;
        for (i, off) in self.waypoints.iter().enumerate() {
            writeln!(f, "waypoint {i} missed by {:.1} cm", off * 100.0)?;
        }
        write!(
            f,
            "end missed by {:.1} cm, foot sliding {:.2} cm a frame",
            self.end_error * 100.0,
            self.foot_sliding * 100.0
        )
    }
}

impl Args {
    fn request(&self) -> Result<WalkRequest> {
        let mut request = WalkRequest::to(self.end);
        request.text.clone_from(&self.text);
        request.facing = self.facing;
        request.waypoints.clone_from(&self.waypoints);
        if let Some([x, y, facing]) = self.person {
            request.person = PersonPlace {
                position: [x, y],
                facing,
            };
        }
        if let Some(path) = &self.after {
            let clip = read_clip(path)?;
            request.pose = clip.frames.last().map(|f| f.pose);
        }
        request.backward = self.backward;
        request.seconds = self.seconds;
        request.seed = self.seed;
        request.sampling.steps = self.steps;
        if self.no_guidance {
            request.guidance = chois::request::GuidanceConfig::off();
        }
        request.validate()?;
        Ok(request)
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let request = args.request()?;
    if args.out.is_none() && args.clip.is_none() {
        return Err(Error::invalid(
            "out",
            "nothing to write; name a file with --out (.glb) or --clip (.safetensors)",
        ));
    }
    for path in args.out.iter().chain(&args.clip) {
        writable(path)?;
    }
    listen_for_ctrl_c();
    let mut synthesizer = args.model.load()?;
    let order = WalkOrder {
        request: &request,
        scene: None,
    };
    let began = Instant::now();
    let walk = synthesizer.walk(&order, &mut |_| flow())?;
    let facts = Facts::new(args, &request, &walk, began.elapsed().as_secs_f64());
    if let Some(path) = &args.clip {
        write_clip(path, &walk.clip)?;
    }
    if let Some(path) = &args.out {
        glb::write(path, &walk.clip, None, &GlbOptions::default())?;
    }
    if args.json {
        let json = serde_json::to_string_pretty(&facts);
        say!("{}", json.map_err(|e| Error::invalid("facts", e))?);
    } else {
        say!("{facts}");
    }
    Ok(())
}

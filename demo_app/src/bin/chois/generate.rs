//! `chois generate`.

use std::path::{Path, PathBuf};

use chois::clip::read_clip;
use chois::geometry::UpAxis;
use chois::motion::MotionClip;
use chois::request::file::{Job, read_jobs};
use chois::request::{EndTurn, InteractionRequest, Method, ObjectPlace, PersonPlace, Waypoint};
use chois::scene::place_of;
use chois::{Error, Result};
use chois_demo::jobs::{ContactArgs, ModelArgs, Object, run_jobs};
use nalgebra::{Isometry3, Translation3};

/// Arguments of `chois generate`.
#[derive(clap::Args)]
pub struct Args {
    /// What happens, as a sentence.
    #[arg(long, required_unless_present = "request")]
    text: Option<String>,
    /// The object's mesh: .glb, .gltf, .obj or .ply.
    #[arg(long, required_unless_present = "request")]
    object: Option<PathBuf>,
    /// A request file (.ron or .json) with one job or a list, in place of all else.
    #[arg(long, conflicts_with_all = ["text", "object"])]
    request: Option<PathBuf>,
    /// Which axis of the mesh points up; by default the format's custom.
    #[arg(long, value_enum)]
    up: Option<Up>,
    /// Where the object is at the start: x,y of its centre and z of its lowest point, metres.
    #[arg(long, value_parser = numbers::<3>, allow_hyphen_values = true)]
    start: Option<[f32; 3]>,
    /// Turn of the object about the vertical at the start, degrees.
    #[arg(long, allow_hyphen_values = true)]
    yaw: Option<f32>,
    /// A place that the object passes: x,y in metres, with @seconds if it is to be there at a certain time. Repeatable.
    #[arg(long = "waypoint", value_parser = waypoint, allow_hyphen_values = true)]
    waypoints: Vec<Waypoint>,
    /// Where the object is at the end: x,y,z as for the start.
    #[arg(long, value_parser = numbers::<3>, allow_hyphen_values = true)]
    end: Option<[f32; 3]>,
    /// Turn of the object about the vertical at the end, degrees, as `--yaw` says it; without it, as the motion leaves it.
    #[arg(long, allow_hyphen_values = true)]
    end_yaw: Option<f32>,
    /// Where the person stands at the start: x,y in metres and the direction faced in degrees from +x.
    #[arg(long, value_parser = numbers::<3>, allow_hyphen_values = true)]
    person: Option<[f32; 3]>,
    /// Go on from the last pose of this motion clip (.safetensors), a walk's for example.
    #[arg(long, conflicts_with_all = ["person", "request"])]
    after: Option<PathBuf>,
    /// The object is in hand at the start, where that clip leaves it unless --start says where: nothing is reached for.
    #[arg(long, requires = "after")]
    in_hand_start: bool,
    /// The object is still in hand at the end: nothing is put down.
    #[arg(long, conflicts_with = "request")]
    in_hand_end: bool,
    /// Length in seconds.
    #[arg(long)]
    seconds: Option<f32>,
    /// The same seed gives the same clip.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The sampler.
    #[arg(long, value_enum, default_value_t = MethodArg::FewStep)]
    method: MethodArg,
    /// Sampling steps.
    #[arg(long, default_value_t = 8)]
    steps: usize,
    /// Switch guidance off.
    #[arg(long)]
    no_guidance: bool,
    /// A mesh of the scene that body and object keep out of.
    #[arg(long)]
    scene: Option<PathBuf>,
    /// The .glb to write.
    #[arg(long)]
    out: Option<PathBuf>,
    /// The motion clip (.safetensors) to write.
    #[arg(long)]
    clip: Option<PathBuf>,
    /// Leave hands and object as the model makes them: no physics.
    #[arg(long)]
    no_contact: bool,
    #[command(flatten)]
    contact: ContactArgs,
    #[command(flatten)]
    model: ModelArgs,
    /// Facts as JSON on stdout.
    #[arg(long)]
    json: bool,
}

/// Which axis points up.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Up {
    Y,
    Z,
}

impl From<Up> for UpAxis {
    fn from(up: Up) -> Self {
        match up {
            Up::Y => Self::Y,
            Up::Z => Self::Z,
        }
    }
}

/// Which sampler.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum MethodArg {
    FewStep,
    Consistency,
    Ddim,
    Ancestral,
}

impl From<MethodArg> for Method {
    fn from(method: MethodArg) -> Self {
        match method {
            MethodArg::FewStep => Self::FewStep,
            MethodArg::Consistency => Self::Consistency,
            MethodArg::Ddim => Self::Ddim,
            MethodArg::Ancestral => Self::Ancestral,
        }
    }
}

/// Numbers separated by commas.
pub fn numbers<const N: usize>(text: &str) -> std::result::Result<[f32; N], String> {
    let parts: Vec<f32> = text
        .split(',')
        .map(|p| {
            p.trim()
                .parse()
                .map_err(|_| format!("{p:?} is not a number"))
        })
        .collect::<std::result::Result<_, _>>()?;
    let found = parts.len();
    parts
        .try_into()
        .map_err(|_| format!("{found} numbers where {N} are expected, separated by commas"))
}

/// A place on the floor, with `@seconds` where it has a time.
pub fn waypoint(text: &str) -> std::result::Result<Waypoint, String> {
    let (place, time) = match text.split_once('@') {
        Some((place, time)) => (
            place,
            Some(
                time.trim()
                    .parse()
                    .map_err(|_| format!("{time:?} is not a number of seconds"))?,
            ),
        ),
        None => (text, None),
    };
    Ok(Waypoint {
        at: numbers(place)?,
        time,
    })
}

impl Args {
    fn jobs(&self) -> Result<Vec<Job>> {
        if let Some(path) = &self.request {
            return read_jobs(path);
        }
        let mut request = InteractionRequest::new(self.text.clone().unwrap_or_default());
        request.start.position = self.start.unwrap_or_default();
        request.start.yaw = self.yaw.unwrap_or_default();
        request.waypoints.clone_from(&self.waypoints);
        request.end = self.end;
        request.end_turn = self.end_yaw.map(|yaw| EndTurn { yaw, alike: 1 });
        request.person = self.person.map(|[x, y, facing]| PersonPlace {
            position: [x, y],
            facing,
        });
        if let Some(path) = &self.after {
            let clip = read_clip(path)?;
            request.pose = clip.frames.last().map(|f| f.pose);
            if self.in_hand_start && self.start.is_none() {
                request.start = self.in_hands(path, &clip)?;
            }
        }
        request = request.in_hand(self.in_hand_start, self.in_hand_end);
        request.seconds = self.seconds.unwrap_or(request.seconds);
        request.seed = self.seed;
        request.sampling.steps = self.steps;
        request.sampling.method = self.method.into();
        if self.no_guidance {
            request.guidance = chois::request::GuidanceConfig::off();
        }
        request.validate()?;
        if self.out.is_none() && self.clip.is_none() {
            return Err(Error::invalid(
                "out",
                "nothing to write; name a file with --out (.glb) or --clip (.safetensors)",
            ));
        }
        Ok(vec![Job {
            object: self.object.clone().unwrap_or_default(),
            up: self.up.map(UpAxis::from),
            scene: self.scene.clone(),
            scene_up: None,
            out: self.out.clone(),
            clip: self.clip.clone(),
            request,
            contact: self.contact.config(!self.no_contact),
        }])
    }
}

impl Args {
    /// Where the last frame of a clip has the object.
    fn in_hands(&self, path: &Path, clip: &MotionClip) -> Result<ObjectPlace> {
        let Some(last) = clip.frames.last().filter(|_| clip.has_object()) else {
            let reason = format!(
                "{} has no object that could be in hand; leave --in-hand-start out",
                path.display()
            );
            return Err(Error::invalid("after", reason));
        };
        let object = self.object.clone().unwrap_or_default();
        let geometry = Object::load(&object, self.up.map(UpAxis::from))?.geometry;
        let at = Translation3::from(last.object_position);
        place_of(&geometry, &Isometry3::from_parts(at, last.object_rotation)).ok_or_else(|| {
            Error::invalid(
                "after",
                format!("{} ends with its object nowhere", path.display()),
            )
        })
    }
}

/// Runs the command.
pub fn run(args: &Args) -> Result<()> {
    let jobs = args.jobs()?;
    let facts = run_jobs(&jobs, &args.model)?;
    if !args.json {
        for facts in &facts {
            say!("{facts}");
        }
        return Ok(());
    }
    let json = match (&args.request, &facts[..]) {
        (None, [one]) => serde_json::to_string_pretty(one),
        _ => serde_json::to_string_pretty(&facts),
    };
    say!("{}", json.map_err(|e| Error::invalid("facts", e))?);
    Ok(())
}

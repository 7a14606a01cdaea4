//! `chois generate`.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use chois::clip;
use chois::clip::glb::{self, GlbOptions};
use chois::diffusion::Flow;
use chois::geometry::{Mesh, ObjectGeometry, SdfGrid, UpAxis, load_mesh};
use chois::request::file::{Job, read_jobs};
use chois::request::{InteractionRequest, Method, PersonPlace, Waypoint};
use chois::synthesis::{Generated, Order, Synthesizer};
use chois::{Error, Result};
use indicatif::{ProgressBar, ProgressStyle};

use crate::facts::Facts;

/// Points along each axis of a scene's distance grid.
const SCENE_GRID: usize = 96;

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
    /// Where the person stands at the start: x,y in metres and the direction faced in degrees from +x.
    #[arg(long, value_parser = numbers::<3>, allow_hyphen_values = true)]
    person: Option<[f32; 3]>,
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
    #[command(flatten)]
    model: ModelArgs,
    /// Facts as JSON on stdout.
    #[arg(long)]
    json: bool,
}

/// Which model.
#[derive(clap::Args)]
pub struct ModelArgs {
    /// Checkpoint folder; by default the shipped one.
    #[arg(long)]
    pub model: Option<PathBuf>,
    /// CLIP ViT-B/32 text tower (safetensors), for checkpoints that need it.
    #[arg(long)]
    pub clip_weights: Option<PathBuf>,
}

impl ModelArgs {
    /// Loads the model.
    pub fn load(&self) -> Result<Synthesizer> {
        let folder = match &self.model {
            Some(folder) => folder.clone(),
            None => crate::assets::find("models/chois-compact")?,
        };
        Synthesizer::load(
            &folder,
            self.clip_weights.as_deref(),
            chois::device::choose(),
        )
    }
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
    Ddim,
    Ancestral,
}

impl From<MethodArg> for Method {
    fn from(method: MethodArg) -> Self {
        match method {
            MethodArg::FewStep => Self::FewStep,
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

fn waypoint(text: &str) -> std::result::Result<Waypoint, String> {
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
        request.person = self.person.map(|[x, y, facing]| PersonPlace {
            position: [x, y],
            facing,
        });
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
        }])
    }
}

/// An object as it looks, and as the network sees it.
pub struct Object {
    /// The mesh of the file, model's axes.
    pub mesh: Mesh,
    /// The same with even triangles, about its centre.
    pub geometry: ObjectGeometry,
}

impl Object {
    /// Reads a mesh file; the object is named after it.
    pub fn load(path: &Path, up: Option<UpAxis>) -> Result<Self> {
        let mesh = load_mesh(path, up)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        Ok(Self {
            geometry: ObjectGeometry::new(name, mesh.refined())?,
            mesh,
        })
    }
}

static CANCELLED: AtomicBool = AtomicBool::new(false);

/// Ctrl-C cancels between two denoising steps; a second one ends the program at once.
pub fn listen_for_ctrl_c() {
    let _ = ctrlc::set_handler(|| {
        if CANCELLED.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    });
}

/// Whether to go on.
pub fn flow() -> Flow {
    if CANCELLED.load(Ordering::SeqCst) {
        Flow::Cancel
    } else {
        Flow::Continue
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

/// Generates and writes jobs, one after the other. All that can be wrong with files and requests is found before the
/// model is loaded.
pub fn run_jobs(jobs: &[Job], model: &ModelArgs) -> Result<Vec<Facts>> {
    let mut taken = HashSet::new();
    for (i, job) in jobs.iter().enumerate() {
        if job.out.is_none() && job.clip.is_none() {
            return Err(Error::invalid(
                format!("job {i}: out"),
                "nothing to write; name a file as out (.glb) or clip (.safetensors)",
            ));
        }
        for path in job.out.iter().chain(&job.clip) {
            if !taken.insert(path) {
                return Err(Error::invalid(
                    format!("job {i}: out"),
                    format!(
                        "{} would be written twice; choose another name",
                        path.display()
                    ),
                ));
            }
            writable(path)?;
        }
    }
    let mut parts = Vec::with_capacity(jobs.len());
    for job in jobs {
        let scene = match &job.scene {
            Some(path) => Some(SdfGrid::from_mesh(
                &load_mesh(path, job.scene_up)?,
                SCENE_GRID,
            )?),
            None => None,
        };
        parts.push((Object::load(&job.object, job.up)?, scene));
    }
    listen_for_ctrl_c();
    let mut synthesizer = model.load()?;
    let order = |i: usize| Order {
        request: &jobs[i].request,
        object: &parts[i].0.geometry,
        scene: parts[i].1.as_ref(),
    };
    for i in 0..jobs.len() {
        synthesizer.plan(&order(i))?;
    }
    let mut facts = Vec::with_capacity(jobs.len());
    for (i, job) in jobs.iter().enumerate() {
        let (generated, seconds) = generate(&mut synthesizer, &order(i))?;
        facts.push(Facts::new(job, &parts[i].0.geometry, &generated, seconds)?);
        write(job, &parts[i].0, &generated)?;
    }
    Ok(facts)
}

/// Generates with a progress bar on stderr; returns the seconds it took too.
pub fn generate(synthesizer: &mut Synthesizer, order: &Order<'_>) -> Result<(Generated, f64)> {
    let bar = ProgressBar::new(0).with_style(
        ProgressStyle::with_template("denoising {bar:30} {pos}/{len}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let began = Instant::now();
    let generated = synthesizer.generate(order, &mut |p| {
        bar.set_length(p.total as u64);
        bar.set_position(p.done as u64);
        flow()
    });
    bar.finish_and_clear();
    Ok((generated?, began.elapsed().as_secs_f64()))
}

/// Writes what a job asks for.
pub fn write(job: &Job, object: &Object, generated: &Generated) -> Result<()> {
    if let Some(path) = &job.clip {
        clip::write_clip(path, &generated.clip)?;
    }
    if let Some(path) = &job.out {
        glb::write(
            path,
            &generated.clip,
            Some(&object.mesh),
            &GlbOptions::default(),
        )?;
    }
    Ok(())
}

/// Refuses a place that cannot be written to before minutes are spent.
fn writable(path: &Path) -> Result<()> {
    let failed = |source| Error::Write {
        path: path.to_owned(),
        source,
    };
    if path.is_dir() {
        return Err(failed(ErrorKind::IsADirectory.into()));
    }
    if path.file_name().is_none() {
        return Err(failed(ErrorKind::InvalidFilename.into()));
    }
    // Folders that do not exist yet are made when there is something to put into them.
    let folder = (path.ancestors().skip(1))
        .find(|p| p.exists())
        .unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(failed(ErrorKind::NotADirectory.into()));
    }
    let probe = folder.join(format!(".chois-{}.part", std::process::id()));
    std::fs::write(&probe, b"").map_err(failed)?;
    std::fs::remove_file(&probe).map_err(failed)
}

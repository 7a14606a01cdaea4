//! From jobs to files: what is generated without an engine, for the command line and for the viewer where nothing can draw.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use chois::clip;
use chois::clip::glb::{self, GlbOptions};
use chois::contact::{
    ContactConfig, ContactOptions, Corrected, Grip, Material, Obstacle, ObstacleShape,
    PhysicalObject, correct,
};
use chois::diffusion::Flow;
use chois::geometry::{Mesh, ObjectGeometry, SdfGrid, UpAxis, load_mesh};
use chois::motion::MotionClip;
use chois::request::file::{Job, read_jobs};
use chois::synthesis::{Generated, Order, Synthesizer};
use chois::{Error, Result};
use indicatif::{ProgressBar, ProgressStyle};
use nalgebra::Isometry3;

use crate::facts::Facts;

/// Points along each axis of a scene's distance grid.
const SCENE_GRID: usize = 96;

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

/// How heavy the object is and how strong the hands.
#[derive(clap::Args)]
pub struct ContactArgs {
    /// The object's mass in kilograms; by default guessed from its shape and material.
    #[arg(long, allow_hyphen_values = true)]
    pub mass: Option<f32>,
    /// What the object is made of.
    #[arg(long, value_parser = material, default_value = "wood")]
    pub material: Material,
    /// Friction of the object against the floor; by default the material's.
    #[arg(long, allow_hyphen_values = true)]
    pub friction: Option<f32>,
    /// Most force of one hand, newtons.
    #[arg(long, allow_hyphen_values = true, default_value_t = Grip::default().force)]
    pub grip_force: f32,
    /// Most torque of one hand, newton metres.
    #[arg(long, allow_hyphen_values = true, default_value_t = Grip::default().torque)]
    pub grip_torque: f32,
    /// Most force with which a flat palm pulls at what its fingers cannot close around, newtons.
    #[arg(long, allow_hyphen_values = true, default_value_t = Grip::default().pull)]
    pub grip_pull: f32,
}

fn material(text: &str) -> std::result::Result<Material, String> {
    let found = Material::ALL.into_iter().find(|m| m.name() == text);
    found.ok_or_else(|| {
        let names = Material::ALL.map(Material::name).join(", ");
        format!("choose one of {names}")
    })
}

impl ContactArgs {
    /// The same as a request file says it.
    pub fn config(&self, enforce: bool) -> ContactConfig {
        ContactConfig {
            enforce,
            mass: self.mass,
            material: self.material,
            friction: self.friction,
            grip: Grip {
                force: self.grip_force,
                torque: self.grip_torque,
                pull: self.grip_pull,
                ..Grip::default()
            },
        }
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

/// The shipped request, its results to be written into a folder.
pub fn demo_jobs(out: &Path) -> Result<Vec<Job>> {
    let mut jobs = read_jobs(&crate::assets::find("requests/demo.ron")?)?;
    for job in &mut jobs {
        for path in [&mut job.out, &mut job.clip].into_iter().flatten() {
            let name = path.file_name().ok_or_else(|| {
                Error::invalid("out", format!("{} names no file", path.display()))
            })?;
            *path = out.join(name);
        }
    }
    Ok(jobs)
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
            Some(path) => {
                let mesh = load_mesh(path, job.scene_up)?;
                Some(Arc::new(SdfGrid::from_mesh(&mesh, SCENE_GRID)?))
            }
            None => None,
        };
        if job.contact.enforce {
            job.contact.grip.validate()?;
            job.contact.physics().validate()?;
        }
        parts.push((Object::load(&job.object, job.up)?, scene));
    }
    listen_for_ctrl_c();
    let mut synthesizer = model.load()?;
    let order = |i: usize| Order {
        request: &jobs[i].request,
        object: &parts[i].0.geometry,
        scene: parts[i].1.as_deref(),
    };
    for i in 0..jobs.len() {
        synthesizer.plan(&order(i))?;
    }
    let mut facts = Vec::with_capacity(jobs.len());
    for (i, job) in jobs.iter().enumerate() {
        let (mut generated, seconds) = generate(&mut synthesizer, &order(i))?;
        let (object, scene) = &parts[i];
        let held = match job.contact.enforce {
            true => held(job, object, scene.clone(), &generated.clip).map(Some),
            false => Ok(None),
        };
        let (held, fault) = match held {
            Ok(held) => (held, None),
            // What was generated is written all the same.
            Err(error) => (None, Some(error)),
        };
        if let Some(held) = &held {
            generated.clip.clone_from(&held.clip);
        }
        facts.push(Facts::new(
            job,
            &object.geometry,
            &generated,
            seconds,
            held.as_ref(),
        )?);
        write(job, object, &generated)?;
        if let Some(error) = fault {
            return Err(error);
        }
    }
    Ok(facts)
}

/// A job's clip with hands that hold.
fn held(
    job: &Job,
    object: &Object,
    scene: Option<Arc<SdfGrid>>,
    clip: &MotionClip,
) -> Result<Corrected> {
    let physics = job.contact.physics();
    let physical = PhysicalObject::cached(&object.geometry, &physics, &job.object)?;
    let mut obstacles = Vec::new();
    if let Some(path) = &job.scene {
        let shape = ObstacleShape::mesh(&load_mesh(path, job.scene_up)?)?;
        obstacles.push(Obstacle::new(shape, Isometry3::identity()));
    }
    let options = ContactOptions {
        scene,
        keys: job.request.keys.clone(),
        ..job.contact.options(obstacles)
    };
    correct(clip, &physical, &options)
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
pub fn writable(path: &Path) -> Result<()> {
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

/// At most so many, spread evenly over all; one at least where there is any.
pub fn spread<T>(all: Vec<T>, most: usize) -> Vec<T> {
    let step = all.len().div_ceil(most.max(1)).max(1);
    all.into_iter().step_by(step).collect()
}

/// Refuses folders of clips that have not each a folder of objects.
pub fn paired(clips: &[PathBuf], objects: &[PathBuf]) -> Result<()> {
    if clips.len() == objects.len() {
        return Ok(());
    }
    Err(Error::invalid(
        "objects",
        format!(
            "{} folders of objects for {} of clips; give one for each, in the same order",
            objects.len(),
            clips.len()
        ),
    ))
}

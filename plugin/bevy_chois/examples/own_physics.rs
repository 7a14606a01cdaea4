//! Shows a game's own physics beside live contact: the box falls and lands by the game's rules while nobody holds it, and a
//! blow of the game (space bar) takes it out of the hands.
//!
//! `cargo run -p bevy_chois --example own_physics`
//!
//! The physics are a toy; [`PhysicsAdapter`] tells how rapier or avian take its place.

use bevy::prelude::*;
use bevy_chois::prelude::*;

/// A body of the game: falls unless it is kinematic, which is while somebody holds it.
#[derive(Component, Default)]
struct Body {
    velocity: Vec3,
    kinematic: bool,
}

fn main() -> AppExit {
    let assets = AssetPlugin {
        file_path: "../../assets".into(),
        ..default()
    };
    App::new()
        .add_plugins((DefaultPlugins.set(assets), ChoisPlugins::default()))
        .add_plugins(PhysicsAdapterPlugin::new(Toy))
        .add_systems(Startup, setup)
        .add_systems(FixedUpdate, fall)
        .add_systems(Update, strike)
        .add_observer(|let_go: On<HandLetGo>| {
            println!("hand {} lets go: {:?}", let_go.hand, let_go.reason);
        })
        .run()
}

/// How the hands get the body, and give it back.
struct Toy;

impl PhysicsAdapter for Toy {
    fn give(&self, mut body: EntityWorldMut) {
        if let Some(mut body) = body.get_mut::<Body>() {
            body.kinematic = true;
        }
    }

    fn take_back(&self, mut body: EntityWorldMut, motion: BodyMotion) {
        if let Some(mut body) = body.get_mut::<Body>()
            && !motion.taken
        {
            body.kinematic = false;
            body.velocity = motion.velocity;
        }
    }
}

/// The game's physics: gravity and a floor.
fn fall(time: Res<Time>, mut bodies: Query<(&mut Body, &mut Transform, &ObjectShape)>) {
    for (mut body, mut place, shape) in bodies.iter_mut().filter(|(body, ..)| !body.kinematic) {
        body.velocity.y -= 9.81 * time.delta_secs();
        place.translation += body.velocity * time.delta_secs();
        let floor = -shape.lowest(place.rotation);
        if place.translation.y < floor {
            place.translation.y = floor;
            body.velocity = Vec3::ZERO;
        }
    }
}

/// The game moves the box, held or not; hands that have it let go.
fn strike(keys: Res<ButtonInput<KeyCode>>, mut bodies: Query<(&mut Body, &mut Transform)>) {
    if !keys.just_pressed(KeyCode::Space) {
        return;
    }
    for (mut body, mut place) in &mut bodies {
        place.translation.y += 0.05;
        body.velocity = vec3(1.0, 2.0, 1.0);
        body.kinematic = false;
    }
}

fn setup(mut commands: Commands, assets: Res<AssetServer>, mut synthesizer: MotionSynthesizer) {
    let box_ = commands
        .spawn(Interactable::from_gltf(&assets, "objects/box.glb", "box"))
        .insert((Body::default(), ObjectPhysics::weighing(4.0)))
        .id();
    let person = commands
        .spawn(Avatar::from_gltf(&assets, "avatars/woman.glb"))
        .insert(Transform::from_xyz(0.0, 0.0, -0.8))
        .id();
    let order = InteractionOrder::new(box_, "Lift the box, move the box, and put down the box.")
        .avatar(person)
        .waypoints([vec3(0.6, 0.0, 0.0), vec3(1.2, 0.0, 0.3)])
        .end(vec3(1.6, 0.0, 0.6));
    let clip = synthesizer.generate(order);
    let interaction = InteractionPlayer::new(clip)
        .with_object(box_)
        .live(LivePhysics::default());
    commands.entity(person).insert(interaction);

    let place = Transform::from_xyz(-1.5, 2.0, 4.0).looking_at(vec3(0.6, 0.7, 0.0), Vec3::Y);
    commands.spawn((Camera3d::default(), place));
    commands.spawn((DirectionalLight::default(), place));
}

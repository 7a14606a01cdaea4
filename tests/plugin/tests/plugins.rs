//! The plugin group where it does not fit: added twice, without assets.

use bevy::prelude::*;
use bevy_chois::ChoisPlugins;
use bevy_chois::avatar::{Avatar, AvatarReady};
use bevy_chois::object::{Interactable, ObjectReady};
use bevy_chois::playback::InteractionPlayer;
use bevy_chois::synthesis::{GenerationFailed, InteractionOrder, MotionSynthesizer};
use bevy_chois_tests::{app, hear, heard, tick_times, tick_until};

#[test]
fn twice_is_once() {
    let mut app = app();
    app.add_plugins(ChoisPlugins::default());
    hear::<ObjectReady>(&mut app);
    hear::<AvatarReady>(&mut app);
    let server = app.world().resource::<AssetServer>().clone();
    (app.world_mut()).spawn(Avatar::from_gltf(&server, "avatars/mannequin.glb"));
    (app.world_mut()).spawn(Interactable::from_gltf(
        &server,
        "objects/crate.glb",
        "crate",
    ));
    assert!(tick_until(&mut app, 30.0, |world| {
        let mut ready = world.query::<(Has<Avatar>, Has<Interactable>)>();
        ready.iter(world).filter(|(a, o)| *a || *o).count() == 2
    }));
    assert!(tick_until(&mut app, 30.0, |world| {
        world
            .query::<&bevy_chois::avatar::AvatarRig>()
            .iter(world)
            .count()
            == 1
            && world
                .query::<&bevy_chois::object::ObjectShape>()
                .iter(world)
                .count()
                == 1
    }));
    tick_times(&mut app, 2);
    assert_eq!(heard::<AvatarReady>(&app).len(), 1, "told once");
    assert_eq!(heard::<ObjectReady>(&app).len(), 1, "told once");
}

#[test]
fn without_assets_orders_fail_and_nothing_panics() {
    let mut app = App::new();
    app.add_plugins((MinimalPlugins, ChoisPlugins::default()));
    hear::<GenerationFailed>(&mut app);
    let thing = app.world_mut().spawn(Interactable::named("box")).id();
    let order = move |mut synthesizer: MotionSynthesizer, mut commands: Commands| {
        let clip = synthesizer.generate(InteractionOrder::new(thing, "Lift the box."));
        commands.spawn((
            Avatar::default(),
            InteractionPlayer::new(clip).with_object(thing),
        ));
    };
    app.add_systems(Startup, order);
    tick_times(&mut app, 5);
    let failed = heard::<GenerationFailed>(&app);
    assert_eq!(failed.len(), 1);
    assert!(
        failed[0].reason.contains("AssetPlugin"),
        "{}",
        failed[0].reason
    );
}

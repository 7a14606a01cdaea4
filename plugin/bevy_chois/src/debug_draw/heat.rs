//! Contact heat: second skins over the object's and the avatar's meshes, and what they are told.
//!
//! A skin is an entity of its own beside the mesh's (never its child: the game's hierarchy stays as it is). It has the
//! same mesh, the same joints, and is put where the mesh is after transforms have been propagated.

use std::collections::HashMap;
use std::sync::Arc;

use bevy::asset::{AssetId, Assets, Handle};
use bevy::camera::visibility::{InheritedVisibility, NoFrustumCulling, Visibility};
use bevy::ecs::hierarchy::Children;
use bevy::ecs::prelude::*;
use bevy::math::Vec4;
use bevy::mesh::morph::MeshMorphWeights;
use bevy::mesh::skinning::SkinnedMesh;
use bevy::mesh::{Mesh, Mesh3d};
use bevy::pbr::MeshMaterial3d;
use bevy::prelude::GlobalTransform;
use chois::geometry::{ObjectGeometry, Surface};

use super::clip_view::palms;
use super::hands::{self, Cut, Cuts};
use super::material::{ContactHeatMaterial, ContactHeatUniform};
use super::plugin::{Settings, drawing};
use super::{ContactHeat, DebugDraw, DebugDrawing};
use crate::avatar::AvatarRig;
use crate::clip::MotionClip;
use crate::frame;
use crate::object::ObjectShape;
use crate::playback::InteractionPlayer;

/// Surfaces of objects, for distances: made when first asked for.
#[derive(Resource, Default)]
pub(super) struct Surfaces(HashMap<Entity, (Arc<ObjectGeometry>, Surface)>);

impl Surfaces {
    /// The surface of an object's shape.
    pub fn of(&mut self, object: Entity, shape: &ObjectShape) -> &Surface {
        let make = || (shape.geometry.clone(), Surface::new(&shape.geometry));
        let entry = self.0.entry(object).or_insert_with(make);
        if !Arc::ptr_eq(&entry.0, &shape.geometry) {
            *entry = make();
        }
        &entry.1
    }

    /// Forgets objects that are gone.
    fn retain(&mut self, there: impl Fn(Entity) -> bool) {
        self.0.retain(|object, _| there(*object));
    }
}

/// A place of the world in the frame of an object's geometry (about its centre).
pub(super) fn in_object(
    place: &GlobalTransform,
    shape: &ObjectShape,
    point: bevy::math::Vec3,
) -> nalgebra::Vector3<f32> {
    let local = place.rotation().inverse() * (point - place.translation());
    frame::vector(local) - shape.geometry.center()
}

/// What glows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Part {
    Object,
    /// What skins give to the bones of hands.
    Hands,
    /// The avatar's whole skin: it is not known which bones are hands.
    Skin,
}

/// The second skin of one mesh.
#[derive(Component, Debug)]
pub(super) struct HeatSkin {
    avatar: Entity,
    part: Part,
    /// The entity whose mesh it covers, and that mesh or what of it belongs to hands.
    source: Entity,
    mesh: AssetId<Mesh>,
}

/// One material for each part of each avatar.
#[derive(Resource, Default)]
pub(super) struct HeatMaterials(HashMap<(Entity, Part), Handle<ContactHeatMaterial>>);

type Playing<'a> = (
    Entity,
    &'a InteractionPlayer,
    Option<&'a AvatarRig>,
    Option<&'a DebugDraw>,
);
type Source<'a> = (
    &'a Mesh3d,
    Option<&'a SkinnedMesh>,
    Option<&'a MeshMorphWeights>,
);

/// Gives every mesh that should glow its skin, and takes the others away.
pub(super) fn cover(
    mut commands: Commands,
    settings: Settings,
    playing: Query<Playing>,
    children: Query<&Children>,
    sources: Query<Source, Without<DebugDrawing>>,
    skins: Query<(Entity, &HeatSkin)>,
    (mut heats, mut surfaces, mut cuts): (ResMut<HeatMaterials>, ResMut<Surfaces>, ResMut<Cuts>),
    (mut materials, mut meshes): (ResMut<Assets<ContactHeatMaterial>>, ResMut<Assets<Mesh>>),
    shapes: Query<(), With<ObjectShape>>,
) {
    let mut wanted: HashMap<Entity, (Entity, Part, Handle<Mesh>)> = HashMap::new();
    for (avatar, interaction, rig, own) in &playing {
        let Some(look) = settings.contact_heat(own) else {
            continue;
        };
        let below = |root| std::iter::once(root).chain(children.iter_descendants(root));
        // The nearest thing wins: an object in the avatar's own hierarchy glows as an object.
        for entity in interaction.object.into_iter().flat_map(below) {
            if let Ok((mesh, ..)) = sources.get(entity)
                && look.object
            {
                let skin = (avatar, Part::Object, mesh.0.clone());
                wanted.entry(entity).or_insert(skin);
            }
        }
        let rig = rig.filter(|rig| hands::known(rig));
        for entity in below(avatar).filter(|_| look.hands) {
            let Ok((mesh, skinned, _)) = sources.get(entity) else {
                continue;
            };
            let cut = match rig {
                Some(rig) => cuts.of(entity, mesh.id(), skinned, rig, &mut meshes),
                None => Some(Cut::Whole),
            };
            let (part, mesh) = match cut {
                Some(Cut::Hands(hands)) => (Part::Hands, hands),
                Some(Cut::Whole) => (Part::Skin, mesh.0.clone()),
                Some(Cut::Nothing) | None => continue,
            };
            wanted.entry(entity).or_insert((avatar, part, mesh));
        }
    }
    let glow = |own| settings.contact_heat(own).is_some_and(|look| look.hands);
    let on = playing.iter().any(|(.., own)| glow(own));
    cuts.retain(|source| on && sources.contains(source));

    for (entity, skin) in &skins {
        let same = wanted
            .get(&skin.source)
            .is_some_and(|(avatar, part, mesh)| {
                (*avatar, *part, mesh.id()) == (skin.avatar, skin.part, skin.mesh)
            });
        if same {
            wanted.remove(&skin.source);
        } else {
            commands.entity(entity).try_despawn();
        }
    }
    for (source, (avatar, part, mesh)) in wanted {
        let Ok((_, skinned, morph)) = sources.get(source) else {
            continue;
        };
        let material = heats
            .0
            .entry((avatar, part))
            .or_insert_with(|| materials.add(ContactHeatMaterial::default()));
        let mut skin = commands.spawn((
            drawing(avatar, "contact heat"),
            HeatSkin {
                avatar,
                part,
                source,
                mesh: mesh.id(),
            },
            Mesh3d(mesh),
            MeshMaterial3d(material.clone()),
        ));
        if let Some(skinned) = skinned {
            // Bounds of a skin follow its joints; this one is drawn wherever they are.
            skin.insert((skinned.clone(), NoFrustumCulling));
        }
        if let Some(morph) = morph {
            skin.insert(morph.clone());
        }
    }

    if !heats.0.is_empty() {
        let on = |avatar| {
            let own = playing.get(avatar).map(|(.., own)| own);
            own.is_ok_and(|own| settings.contact_heat(own).is_some())
        };
        heats.0.retain(|(avatar, _), _| on(*avatar));
        surfaces.retain(|object| shapes.contains(object));
    }
}

/// Puts skins where their meshes are.
pub(super) fn follow(
    mut skins: Query<(
        &HeatSkin,
        &mut GlobalTransform,
        &mut Visibility,
        Option<&mut MeshMorphWeights>,
    )>,
    sources: Query<
        (
            &GlobalTransform,
            &InheritedVisibility,
            Option<&MeshMorphWeights>,
        ),
        Without<HeatSkin>,
    >,
) {
    for (skin, mut place, mut visibility, morph) in &mut skins {
        let Ok((source, visible, source_morph)) = sources.get(skin.source) else {
            visibility.set_if_neq(Visibility::Hidden);
            continue;
        };
        place.set_if_neq(*source);
        visibility.set_if_neq(if visible.get() {
            Visibility::Visible
        } else {
            Visibility::Hidden
        });
        if let (Some(mut morph), Some(MeshMorphWeights::Value { weights })) = (morph, source_morph)
            && !matches!(&*morph, MeshMorphWeights::Value { weights: own } if own == weights)
        {
            *morph = MeshMorphWeights::Value {
                weights: weights.clone(),
            };
        }
    }
}

/// Tells the materials where palms are, whether they touch, and how far the surface is.
pub(super) fn glow(
    settings: Settings,
    playing: Query<Playing>,
    clips: Res<Assets<MotionClip>>,
    objects: Query<(&GlobalTransform, &ObjectShape)>,
    places: Query<&GlobalTransform>,
    heats: Res<HeatMaterials>,
    mut surfaces: ResMut<Surfaces>,
    mut materials: ResMut<Assets<ContactHeatMaterial>>,
) {
    for ((avatar, part), material) in &heats.0 {
        let uniform = playing
            .get(*avatar)
            .ok()
            .and_then(|(_, interaction, rig, own)| {
                let look = settings.contact_heat(own)?;
                let motion = &clips.get(&interaction.clip)?.motion;
                let mut palms = palms(motion, &interaction.origin, interaction.time)?;
                // The avatar's own hands, where they are known: arms of other lengths reach other places.
                let own_palms = rig.map_or([None; 2], |rig| hands::palms(rig, &places));
                for (palm, place) in palms.iter_mut().zip(own_palms) {
                    palm.position = place.unwrap_or(palm.position);
                }
                let object = interaction.object;
                let shape = object.and_then(|o| Some((o, objects.get(o).ok()?)));
                let gaps = palms.map(|palm| match shape {
                    Some((object, (place, shape))) => surfaces
                        .of(object, shape)
                        .signed_distance(&in_object(place, shape, palm.position))
                        .max(0.0),
                    // Without a shape, contact alone says how near it is.
                    None => look.reach * (1.0 - palm.contact),
                });
                let far = 1e6;
                Some(ContactHeatUniform {
                    palms: palms.map(|palm| palm.position.extend(palm.contact)),
                    gaps: Vec4::new(gaps[0].min(far), gaps[1].min(far), 0.0, 0.0),
                    style: style(look, *part),
                })
            });
        // Nothing to show: invisible until there is.
        let uniform = uniform.unwrap_or_default();
        if materials.get(material).is_some_and(|m| m.heat != uniform)
            && let Some(mut material) = materials.get_mut(material)
        {
            material.heat = uniform;
        }
    }
}

fn style(look: &ContactHeat, part: Part) -> Vec4 {
    Vec4::new(
        look.reach.max(1e-3),
        look.opacity.clamp(0.0, 1.0),
        look.contours.max(0.0),
        match part {
            Part::Object => 0.0,
            Part::Skin => 1.0,
            Part::Hands => 2.0,
        },
    )
}

//! A clip as readable USD (`.usda`): the mannequin with its skin (UsdSkel), every object as a mesh that moves, contacts as
//! attributes of the person.
//!
//! Metres, Z up. The skeleton's rest pose is [`crate::figure`]'s, Y up; the pelvis' rotations stand it up. Time codes are
//! frames. Written against Pixar's "UsdSkel" and "UsdGeom" schemas; nothing is written that they do not have, but
//! `chois:contact` attributes.

use std::fmt::{self, Write as _};
use std::path::Path;

use nalgebra::{UnitQuaternion, Vector3};

use super::glb::{self, GlbOptions, Prop, continuous};
use super::shading::shade;
use crate::error::{self, Error, Result};
use crate::figure::{FIGURE_JOINTS, Figure, FigurePart, feet};
use crate::motion::{ContactPart, MotionClip};
use crate::skeleton::{PARENTS, ROTATIONS};

/// Contacts in the order of a frame's, and their attributes' names.
const CONTACTS: [(ContactPart, &str); 4] = [
    (ContactPart::LeftHand, "leftHand"),
    (ContactPart::RightHand, "rightHand"),
    (ContactPart::LeftFoot, "leftFoot"),
    (ContactPart::RightFoot, "rightFoot"),
];

/// Writes a clip with any number of objects as `.usda`, as [`glb::write_scene`] does as `.glb`. The same clip gives the same
/// bytes.
///
/// # Errors
/// Those of [`to_text`]; [`Error::Write`] when the file cannot be written.
pub fn write_scene(
    path: &Path,
    clip: &MotionClip,
    props: &[Prop<'_>],
    options: &GlbOptions,
) -> Result<()> {
    error::write_atomically(path, to_text(clip, props, options)?.as_bytes())
}

/// The text of [`write_scene`].
///
/// # Errors
/// Those of [`glb::scene_to_bytes`].
pub fn to_text(clip: &MotionClip, props: &[Prop<'_>], options: &GlbOptions) -> Result<String> {
    glb::check_scene(clip, props, options)?;
    let figure = Figure::standard().fitted(&clip.skeleton);
    let mut out = String::new();
    scene(&mut out, clip, &figure, props, options)
        .map_err(|_| Error::invalid(format!("clip {:?}", clip.name), "it cannot be written"))?;
    Ok(out)
}

fn scene(
    out: &mut String,
    clip: &MotionClip,
    figure: &Figure,
    props: &[Prop<'_>],
    options: &GlbOptions,
) -> fmt::Result {
    head(out, clip)?;
    person(out, clip, figure, props, options)?;
    let mut names = vec!["Person".to_owned(), "Looks".to_owned()];
    for prop in props {
        let name = unused(&identifier(prop.name), &mut names);
        object(out, &name, prop, options)?;
    }
    looks(out, figure, options)?;
    writeln!(out, "}}")
}

/// What is said of the whole, and the beginning of `/World`.
pub(crate) fn head(out: &mut String, clip: &MotionClip) -> fmt::Result {
    let last = clip.frames.len() - 1;
    writeln!(out, "#usda 1.0\n(")?;
    writeln!(out, "    defaultPrim = \"World\"")?;
    writeln!(out, "    doc = {}", quoted(&clip.text))?;
    writeln!(out, "    startTimeCode = 0\n    endTimeCode = {last}")?;
    let fps = clip.fps;
    writeln!(
        out,
        "    timeCodesPerSecond = {fps}\n    framesPerSecond = {fps}"
    )?;
    writeln!(out, "    metersPerUnit = 1\n    upAxis = \"Z\"\n)\n")?;
    writeln!(out, "def Xform \"World\"\n{{")
}

/// The person: skin, skeleton and its animation.
fn person(
    out: &mut String,
    clip: &MotionClip,
    figure: &Figure,
    props: &[Prop<'_>],
    options: &GlbOptions,
) -> fmt::Result {
    writeln!(
        out,
        "    def SkelRoot \"Person\" (\n        prepend apiSchemas = [\"SkelBindingAPI\"]\n    )\n    {{"
    )?;
    writeln!(out, "        rel skel:skeleton = </World/Person/Skeleton>")?;
    contacts(out, clip)?;
    let joints = paths(figure);
    let names: Vec<String> = joints.iter().map(|j| format!("\"{j}\"")).collect();
    let names = names.join(", ");
    let matrices = |of: &dyn Fn(usize) -> Vector3<f32>| -> String {
        let rows = (0..FIGURE_JOINTS).map(|j| {
            let p = of(j);
            format!(
                "( (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), ({}, {}, {}, 1) )",
                number(p.x),
                number(p.y),
                number(p.z)
            )
        });
        rows.collect::<Vec<_>>().join(", ")
    };
    let bound = |j: usize| figure.joints[j].position;
    let offset = |j: usize| {
        let parent = figure.joints[j].parent.map_or(Vector3::zeros(), bound);
        bound(j) - parent
    };
    writeln!(
        out,
        "\n        def Skeleton \"Skeleton\" (\n            prepend apiSchemas = [\"SkelBindingAPI\"]\n        )\n        {{"
    )?;
    writeln!(out, "            uniform token[] joints = [{names}]")?;
    writeln!(
        out,
        "            uniform matrix4d[] bindTransforms = [{}]",
        matrices(&bound)
    )?;
    writeln!(
        out,
        "            uniform matrix4d[] restTransforms = [{}]",
        matrices(&offset)
    )?;
    writeln!(
        out,
        "            rel skel:animationSource = </World/Person/Skeleton/Animation>"
    )?;
    writeln!(
        out,
        "\n            def SkelAnimation \"Animation\"\n            {{"
    )?;
    writeln!(out, "                uniform token[] joints = [{names}]")?;
    let still: Vec<Vector3<f32>> = (0..FIGURE_JOINTS).map(offset).collect();
    write!(
        out,
        "                float3[] translations.timeSamples = {{"
    )?;
    samples(
        out,
        clip.frames.iter().map(|f| {
            let mut places = still.clone();
            places[0] = f.pose.root;
            array(&places)
        }),
    )?;
    writeln!(out, "}}")?;
    let turns = turns(clip, figure, props, options);
    write!(out, "                quatf[] rotations.timeSamples = {{")?;
    samples(
        out,
        (0..clip.frames.len()).map(|f| {
            let all: Vec<String> = turns.iter().map(|joint| quaternion(&joint[f])).collect();
            format!("[{}]", all.join(", "))
        }),
    )?;
    writeln!(out, "}}")?;
    let ones = vec!["(1, 1, 1)"; FIGURE_JOINTS].join(", ");
    writeln!(
        out,
        "                half3[] scales = [{ones}]\n            }}\n        }}"
    )?;
    for (i, part) in figure.parts.iter().enumerate() {
        skin(out, i, part)?;
    }
    writeln!(out, "    }}\n")
}

/// The person's contacts, as attributes of theirs.
pub(crate) fn contacts(out: &mut String, clip: &MotionClip) -> fmt::Result {
    for (part, name) in CONTACTS {
        write!(
            out,
            "        custom float chois:contact:{name}.timeSamples = {{"
        )?;
        samples(
            out,
            clip.frames.iter().map(|f| number(f.contact[part as usize])),
        )?;
        writeln!(out, "}}")?;
    }
    Ok(())
}

/// Rotations of every joint about its parent, frame by frame, x y z w.
fn turns(
    clip: &MotionClip,
    figure: &Figure,
    props: &[Prop<'_>],
    options: &GlbOptions,
) -> Vec<Vec<[f32; 4]>> {
    let poses = if options.floor {
        feet::over_floor(figure, clip)
    } else {
        clip.frames.iter().map(|f| f.pose).collect()
    };
    let body = (0..ROTATIONS).map(|j| {
        continuous(poses.iter().map(|pose| match PARENTS[j] {
            Some(p) => pose.rotations[p].inverse() * pose.rotations[j],
            None => pose.rotations[j],
        }))
    });
    let fingers = glb::fingers(clip, figure, props, options.grip);
    let hands = (0..FIGURE_JOINTS - ROTATIONS).map(|i| continuous(fingers.iter().map(|f| f[i])));
    body.chain(hands).collect()
}

fn skin(out: &mut String, number_of: usize, part: &FigurePart) -> fmt::Result {
    let name = format!("Skin{number_of}");
    writeln!(
        out,
        "\n        def Mesh \"{name}\" (\n            prepend apiSchemas = [\"SkelBindingAPI\", \"MaterialBindingAPI\"]\n        )\n        {{"
    )?;
    surface(
        out,
        "            ",
        &part.vertices,
        &part.normals,
        &part.triangles,
    )?;
    let indices = part.joints.iter().flatten().map(u8::to_string);
    let indices: Vec<String> = indices.collect();
    let per = |w: &u8| number(f32::from(*w) / 255.0);
    let weights: Vec<String> = part.weights.iter().flatten().map(per).collect();
    writeln!(
        out,
        "            int[] primvars:skel:jointIndices = [{}] (\n                elementSize = 4\n                interpolation = \"vertex\"\n            )",
        indices.join(", ")
    )?;
    writeln!(
        out,
        "            float[] primvars:skel:jointWeights = [{}] (\n                elementSize = 4\n                interpolation = \"vertex\"\n            )",
        weights.join(", ")
    )?;
    writeln!(
        out,
        "            matrix4d primvars:skel:geomBindTransform = ( (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1) )"
    )?;
    writeln!(
        out,
        "            rel skel:skeleton = </World/Person/Skeleton>"
    )?;
    writeln!(
        out,
        "            rel material:binding = </World/Looks/Skin{number_of}>\n        }}"
    )
}

/// An object: its mesh under a frame that moves, where it moves.
pub(crate) fn object(
    out: &mut String,
    name: &str,
    prop: &Prop<'_>,
    options: &GlbOptions,
) -> fmt::Result {
    writeln!(out, "    def Xform \"{name}\"\n    {{")?;
    let moves = prop.places.iter().any(|p| *p != prop.places[0]);
    let places = |p: &(Vector3<f32>, UnitQuaternion<f32>)| vector(&p.0);
    let turns = continuous(prop.places.iter().map(|p| p.1));
    if moves {
        write!(out, "        float3 xformOp:translate.timeSamples = {{")?;
        samples(out, prop.places.iter().map(places))?;
        write!(out, "}}\n        quatf xformOp:orient.timeSamples = {{")?;
        samples(out, turns.iter().map(quaternion))?;
        writeln!(out, "}}")?;
    } else {
        writeln!(
            out,
            "        float3 xformOp:translate = {}",
            places(&prop.places[0])
        )?;
        writeln!(
            out,
            "        quatf xformOp:orient = {}",
            quaternion(&turns[0])
        )?;
    }
    writeln!(
        out,
        "        uniform token[] xformOpOrder = [\"xformOp:translate\", \"xformOp:orient\"]\n"
    )?;
    writeln!(
        out,
        "        def Mesh \"Mesh\" (\n            prepend apiSchemas = [\"MaterialBindingAPI\"]\n        )\n        {{"
    )?;
    let shaded = shade(prop.mesh, options.crease.to_radians());
    surface(
        out,
        "            ",
        &shaded.vertices,
        &shaded.normals,
        &shaded.triangles,
    )?;
    writeln!(
        out,
        "            bool doubleSided = 1\n            rel material:binding = </World/Looks/Object>\n        }}\n    }}\n"
    )
}

pub(crate) fn surface(
    out: &mut String,
    indent: &str,
    vertices: &[Vector3<f32>],
    normals: &[Vector3<f32>],
    triangles: &[[u32; 3]],
) -> fmt::Result {
    let low = vertices
        .iter()
        .fold(Vector3::repeat(f32::MAX), |a, v| a.inf(v));
    let high = vertices
        .iter()
        .fold(Vector3::repeat(f32::MIN), |a, v| a.sup(v));
    writeln!(out, "{indent}uniform token subdivisionScheme = \"none\"")?;
    writeln!(out, "{indent}float3[] extent = {}", array(&[low, high]))?;
    writeln!(out, "{indent}point3f[] points = {}", array(vertices))?;
    writeln!(
        out,
        "{indent}normal3f[] normals = {} (\n{indent}    interpolation = \"vertex\"\n{indent})",
        array(normals)
    )?;
    let counts = vec!["3"; triangles.len()].join(", ");
    writeln!(out, "{indent}int[] faceVertexCounts = [{counts}]")?;
    let corners: Vec<String> = triangles.iter().flatten().map(u32::to_string).collect();
    writeln!(
        out,
        "{indent}int[] faceVertexIndices = [{}]",
        corners.join(", ")
    )
}

fn looks(out: &mut String, figure: &Figure, options: &GlbOptions) -> fmt::Result {
    writeln!(out, "    def Scope \"Looks\"\n    {{")?;
    let skins = figure.parts.iter().enumerate().map(|(i, part)| {
        let [r, g, b, _] = part.material.color;
        (format!("Skin{i}"), [r, g, b], part.material.roughness)
    });
    for (name, [r, g, b], roughness) in skins.chain([("Object".into(), options.object_color, 0.6)])
    {
        look(out, &name, roughness, &color(&[r, g, b]), "")?;
    }
    writeln!(out, "    }}")
}

/// The colour of a look that is the same all over.
pub(crate) fn color(color: &[f32; 3]) -> String {
    format!("color3f inputs:diffuseColor = {}", vector(&(*color).into()))
}

/// A material: what its surface is coloured by, and further shaders that this names.
pub(crate) fn look(
    out: &mut String,
    name: &str,
    roughness: f32,
    color: &str,
    further: &str,
) -> fmt::Result {
    writeln!(out, "        def Material \"{name}\"\n        {{")?;
    writeln!(
        out,
        "            token outputs:surface.connect = </World/Looks/{name}/Surface.outputs:surface>\n"
    )?;
    writeln!(out, "            def Shader \"Surface\"\n            {{")?;
    writeln!(
        out,
        "                uniform token info:id = \"UsdPreviewSurface\""
    )?;
    writeln!(out, "                {color}")?;
    writeln!(
        out,
        "                float inputs:roughness = {}",
        number(roughness)
    )?;
    writeln!(
        out,
        "                token outputs:surface\n            }}\n{further}        }}"
    )
}

/// One value for each frame.
pub(crate) fn samples(out: &mut String, values: impl Iterator<Item = String>) -> fmt::Result {
    for (f, value) in values.enumerate() {
        write!(out, "{}{f}: {value}", if f == 0 { "" } else { ", " })?;
    }
    Ok(())
}

/// The paths of a figure's joints, as UsdSkel names them.
fn paths(figure: &Figure) -> Vec<String> {
    let mut out: Vec<String> = Vec::with_capacity(figure.joints.len());
    for joint in &figure.joints {
        let name = identifier(&joint.name);
        // A parent comes before its children.
        out.push(match joint.parent {
            Some(p) => format!("{}/{name}", out[p]),
            None => name,
        });
    }
    out
}

/// A number in full, and no minus before nothing.
pub(crate) fn number(value: f32) -> String {
    if value == 0.0 {
        "0".to_owned()
    } else {
        value.to_string()
    }
}

pub(crate) fn vector(v: &Vector3<f32>) -> String {
    format!("({}, {}, {})", number(v.x), number(v.y), number(v.z))
}

/// USD's order: w first.
pub(crate) fn quaternion(q: &[f32; 4]) -> String {
    let [x, y, z, w] = q.map(number);
    format!("({w}, {x}, {y}, {z})")
}

pub(crate) fn array(all: &[Vector3<f32>]) -> String {
    let all: Vec<String> = all.iter().map(vector).collect();
    format!("[{}]", all.join(", "))
}

/// A string of USD; a character that would end it is left out.
fn quoted(text: &str) -> String {
    let plain: String = (text.chars())
        .filter(|c| !c.is_control() && *c != '\\')
        .map(|c| if c == '"' { '\'' } else { c })
        .collect();
    format!("\"{plain}\"")
}

/// A name that USD takes: letters, digits and underscores, no digit first.
pub(crate) fn identifier(name: &str) -> String {
    let plain: String = (name.chars())
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    match plain.chars().next() {
        None => "object".into(),
        Some(c) if c.is_ascii_digit() => format!("_{plain}"),
        Some(_) => plain,
    }
}

/// A name that is not among those that were given.
pub(crate) fn unused(name: &str, names: &mut Vec<String>) -> String {
    let free = (1..).map(|k| match k {
        1 => name.to_owned(),
        k => format!("{name}_{k}"),
    });
    let name = free
        .into_iter()
        .find(|n| !names.contains(n))
        .unwrap_or_default();
    names.push(name.clone());
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_strings_are_what_usd_takes() {
        assert_eq!(identifier("floor lamp"), "floor_lamp");
        assert_eq!(identifier("3 boxes"), "_3_boxes");
        assert_eq!(identifier(""), "object");
        assert_eq!(quoted("Say \"no\\\n\"."), "\"Say 'no'.\"");
        let mut names = vec!["Person".to_owned()];
        assert_eq!(unused("Person", &mut names), "Person_2");
        assert_eq!(unused("Person", &mut names), "Person_3");
        assert_eq!(
            (number(-0.0), number(0.5)),
            ("0".to_owned(), "0.5".to_owned())
        );
    }
}

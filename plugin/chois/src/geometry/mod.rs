//! Object geometry: meshes from files, centre of mass, basis point sets.

/* A drawn bird for a species of which there is no picture: its shape by its genus. */

const shapes = {
  tit: "Cyanistes Lophophanes Parus Periparus Poecile Aegithalos Regulus",
  thrush: "Turdus Oriolus Sturnus Cinclus",
  crow: "Coloeus Corvus Garrulus Nucifraga Pica",
  woodpecker: "Dendrocopos Dryobates Dryocopus Jynx Leiopicus Picoides Picus Certhia Sitta",
  owl: "Aegolius Asio Athene Bubo Glaucidium Strix Tyto",
  raptor: "Accipiter Aquila Astur Buteo Circus Falco Haliaeetus Milvus Pandion Pernis Cuculus",
  duck: "Anas Anser Aythya Branta Cygnus Fulica Gallinula Mareca Mergus Podiceps Spatula Tadorna",
  dove: "Columba Streptopelia Zenaida Coturnix Phasianus Perdix Crex",
  swallow: "Apus Delichon Hirundo Riparia",
  heron: "Ardea Botaurus Ciconia Egretta Grus Vanellus Numenius Limosa Scolopax Gallinago Tringa",
};

const byGenus = new Map(Object.entries(shapes).flatMap(([shape, genera]) => genera.split(" ").map((genus) => [genus, shape])));

/** The address of the drawing; a songbird where the genus is none of those. */
export const silhouetteOf = (species) => `/static/birds/${byGenus.get(species.split(" ")[0]) ?? "songbird"}.svg`;

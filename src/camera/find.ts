/** Whether `source: auto` would find a camera: one that can be opened, or is in use by another program. */
export async function isCameraThere(): Promise<boolean> {
  const { findCameras } = await import('./v4l2/find.ts');
  if (findCameras().some(({ state }) => state.kind !== 'unusable')) return true;
  const { listRpicams } = await import('./rpicam/find.ts');
  const rpicams = await listRpicams();
  return rpicams.ok && rpicams.value.length > 0;
}

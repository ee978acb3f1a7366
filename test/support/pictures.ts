import sharp from 'sharp';

/** A drawn landscape for the embedded model: with a balloon, or with nobody. */
export async function drawPicture(path: string, hasBalloon: boolean): Promise<void> {
  const balloon = hasBalloon
    ? '<ellipse cx="160" cy="90" rx="40" ry="50" fill="#d03030"/><rect x="145" y="150" width="30" height="20" fill="#804020"/>'
    : '';
  const sky = '<rect width="320" height="150" fill="#8ab8e8"/>';
  const grass = '<rect y="150" width="320" height="90" fill="#5a8a3c"/>';
  const picture = `<svg xmlns="http://www.w3.org/2000/svg" width="320" height="240">${sky}${grass}${balloon}</svg>`;
  await sharp(Buffer.from(picture)).png().toFile(path);
}

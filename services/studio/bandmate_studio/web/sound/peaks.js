/** The outline of a sound: the least and the greatest sample of each column. */

/**
 * @param {AudioBuffer} buffer
 * @param {number} columns
 * @returns {Float32Array} [least, greatest] a column, from -1 to 1
 */
export function peaksOf(buffer, columns) {
  const left = buffer.getChannelData(0);
  const right = buffer.numberOfChannels > 1 ? buffer.getChannelData(1) : left;
  const step = left.length / columns;
  const stride = Math.max(1, Math.floor(step / 200));
  const peaks = new Float32Array(columns * 2);
  for (let column = 0; column < columns; column++) {
    let least = 0;
    let greatest = 0;
    const end = Math.min(left.length, Math.floor((column + 1) * step));
    for (let at = Math.floor(column * step); at < end; at += stride) {
      const sample = (left[at] + right[at]) / 2;
      if (sample < least) least = sample;
      else if (sample > greatest) greatest = sample;
    }
    peaks[column * 2] = least;
    peaks[column * 2 + 1] = greatest;
  }
  return peaks;
}

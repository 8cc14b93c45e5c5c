/** Makes pictures of an evaluation's page of results, for documents that cannot contain HTML. */
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { writeWhole } from '../text_files.js';
import { launchChromium } from './chromium.js';

const WIDTH = 1260;
/** Pixels around a section in its picture. */
const MARGIN = 12;

/**
 * Writes each section of a page that has an id (classification, localization, masks, cases) as `<id>.png`, drawn by a headless Chromium.
 *
 * @param evaluation path of `evaluation.html`.
 * @param out folder for the pictures.
 * @throws GpuUnavailableError if packages for the browser are missing, or if it does not start.
 */
export async function writePagePictures(evaluation: string, out: string): Promise<void> {
  const { browser, close } = await launchChromium();
  try {
    const page = await browser.newPage();
    await page.setViewport({ width: WIDTH, height: 800 });
    await page.goto(pathToFileURL(resolve(evaluation)).href);
    for (const section of await page.$$('section[id]')) {
      const id = await section.evaluate(({ id }) => id);
      const area = await section.boundingBox();
      if (!area) continue;
      const clip = {
        ...{ x: area.x - MARGIN, y: area.y - MARGIN },
        ...{ width: area.width + 2 * MARGIN, height: area.height + 2 * MARGIN },
      };
      await writeWhole(join(out, `${id}.png`), await page.screenshot({ clip, captureBeyondViewport: true }));
    }
  } finally {
    await close();
  }
}

import pngjs from 'pngjs/browser.js';

/** The build for pages, which brings a Buffer of its own. */
export const { PNG } = pngjs;

/**
 * All that a page without a bundler needs, in one ES module (dist/raybox.js): the public API and the overlay element.
 *
 *     <script type="module">
 *       import { load } from 'https://cdn.jsdelivr.net/npm/raybox/dist/raybox.js';
 *     </script>
 */
export * from '../index.js';
export { RayboxOverlay } from './overlay_element.js';

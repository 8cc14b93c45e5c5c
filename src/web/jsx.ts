/** The types of `<raybox-overlay>` in JSX, for frameworks that set properties of elements. */
import type { RayboxOverlay, SelectDetail } from './overlay_element.js';

/** The element's properties, and the listener of its event under the name that React 19 and Preact use. */
export type RayboxOverlayProps = Partial<
  Pick<
    RayboxOverlay,
    'image' | 'result' | 'selected' | 'opacity' | 'minScore' | 'heatThreshold' | 'boxes' | 'heatmapScaling' | 'caption'
  >
> & { 'onraybox-select'?: (event: CustomEvent<SelectDetail>) => void };

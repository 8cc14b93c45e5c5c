/** What `<raybox-overlay>` takes in JSX, for frameworks that set properties of elements. */
import type { RayboxOverlay, SelectDetail } from './overlay_element.js';

/** The element's properties, and its event as React 19 and Preact name listeners. */
export type RayboxOverlayProps = Partial<
  Pick<
    RayboxOverlay,
    'image' | 'result' | 'selected' | 'opacity' | 'minScore' | 'heatThreshold' | 'heatmapScaling' | 'caption'
  >
> & { 'onraybox-select'?: (event: CustomEvent<SelectDetail>) => void };

/** The type of what a picture's header says, besides its pixels. */

export interface PictureHeader {
  /** In pixels, before the picture is turned; undefined if the size was not found in the file. */
  size: { width: number; height: number } | undefined;
  /** The EXIF orientation, 1 to 8, which is still to be applied after decoding; 1 if there is none. */
  orientation: number;
  /** Whether the format's own data turns or mirrors the picture, which every decoder does. */
  isTurned: boolean;
  /** Whether the file contains more pictures, as an animation does. */
  hasMore: boolean;
  /** Bits of a sample. */
  bits: number;
}

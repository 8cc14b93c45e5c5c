/** The results of `raybox localize`, and what every format of them can do. */
import type { Finding, Prediction } from '../../formats/findings.js';
import type { HeatmapMethod } from '../../formats/weights/heatmap_methods.js';
import type { ImageFile } from '../../node/images/image_files.js';
import type { Warning } from '../../warnings.js';

/** What a result was made by. */
export interface MadeBy {
  /** The version of raybox. */
  raybox: string;
  /** The first 16 hexadecimal digits of the SHA-256 of the weights, as `hashOfWeights` gives them. */
  weights: string;
  /** The options that decide results, as on the command line: `{ '--min-region': '8' }`. Those that were not given are not there. */
  options: Readonly<Record<string, string>>;
}

/** The result for one image. `image` is the name of the file, `file` its path as it was given. */
export interface ResultLine extends Prediction {
  file: string;
  findings: Finding[];
  /** How the heatmaps were computed, where they are not class activation maps. */
  method?: HeatmapMethod;
  /** Labels that have more regions than `--max-boxes` allows. */
  truncated?: string[];
  /** What was assumed about the weights, and what looks wrong about the image. */
  warnings?: readonly Warning[];
  madeBy?: MadeBy;
}

/** The JSON line of an image that could not be localized. */
export interface ErrorLine {
  image: string;
  file: string;
  /** Why the image could not be localized. */
  error: string;
}

/** Where `raybox localize` writes its results. */
export interface Results {
  /** The classes of the results that the file has already. */
  readonly classes?: readonly string[];
  /** Paths of the images that have results already, as they were given, if the file has them. */
  readonly files: readonly string[];
  /** By what the results were made that the file has already, each once. */
  readonly madeBy: readonly MadeBy[];
  /** Whether some of them do not say it. */
  readonly isUnmarked: boolean;
  has(file: ImageFile): boolean;
  add(line: ResultLine | ErrorLine): Promise<void>;
  /** Completes the file when all images are done. Returns a message for the user, if there is one. */
  finish(): Promise<string | undefined>;
  /** Closes the file without completing it. A later run can continue from here. */
  suspend(): Promise<void>;
}

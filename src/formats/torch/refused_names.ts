/** Names in a pickle that no checkpoint needs, and that are refused. */
import { UNREADABLE } from './pickle_machine.js';

/**
 * The parts of PyTorch from which networks and their training take classes. Other parts have functions that run something or make other
 * kinds of tensors.
 */
const OF_NETWORKS =
  /^torch\.(nn|optim|utils\.(data|checkpoint)|distributions|cuda\.amp|amp|_C|functional|distributed|torch_version|random|Generator)\b/;

/**
 * Python's own functions that a pickle could use to run something. The others are classes, and `getattr`, with which a pickle refers to a
 * member of an enum.
 */
const RUNS =
  /^(eval|exec|execfile|compile|open|file|__import__|reload|input|raw_input|globals|locals|vars|setattr|delattr|apply|map|filter|breakpoint|help|exit|quit|print|memoryview)$/;

/**
 * Python modules that no checkpoint needs. A file that names one of them is probably malicious. raybox runs no code of a file, so it could do
 * no harm here, but the user should know.
 */
const HARMFUL =
  /^(os|posix|nt|sys|subprocess|shutil|socket|ctypes|importlib|runpy|pty|platform|commands|webbrowser|code|codeop|pickle|_pickle|marshal|pip|ensurepip|requests|urllib\d?|http|ftplib|smtplib|asyncio|multiprocessing|threading|_thread|signal|timeit|c?[Pp]rofile|pdb|bdb|trace|inspect|operator|_operator|builtins|__builtin__|tempfile|io|_io|site|gc|atexit|linecache|zipimport|imp)(\.|$)/;

export function isRefused(name: string): boolean {
  const last = name.slice(name.lastIndexOf('.') + 1);
  if (/^(builtins|__builtin__)\.\w+$/.test(name)) return RUNS.test(last);
  if (name.startsWith('torch.')) return !OF_NETWORKS.test(name) || UNREADABLE.some(({ is }) => is.test(name));
  return HARMFUL.test(name);
}

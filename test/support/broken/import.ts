/** A test file that does not load, which must count as failed. */
throw new Error('this module does not load');

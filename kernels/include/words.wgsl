// The words of a row lie side by side, and so do its rows. A thread goes from word to word without dividing by the length of a row, because
// divisions of whole numbers are slow. Needs params.row_words.
struct WordPlace { column: u32, row: u32 }

fn word_place(place: u32) -> WordPlace {
  return WordPlace(place % params.row_words, place / params.row_words);
}

fn next_word(at: WordPlace) -> WordPlace {
  if (at.column + 1 == params.row_words) {
    return WordPlace(0, at.row + 1);
  }
  return WordPlace(at.column + 1, at.row);
}

"""The classifier behind the emulator: linear, calibrated, reproducible, and saved without pickle.

terms         words, and character n-grams for scripts without spaces
features      TF-IDF over them; language-neutral, so no stop list and no stemming
margins       one linear SVM per class, and the margins it gives documents it has not seen (out of fold)
calibration   margins into probabilities; thresholds per label
model         the trained thing: texts in, classes with confidences out; arrays and JSON on disk
fitting       labelled texts in, model out

scikit-learn takes a second to import, so it is imported where it is first used and the emulator starts without it.
"""

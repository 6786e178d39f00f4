"""Evaluation: files and experiments scored, compared, tuned, ensembled and submitted.

chain.py              chain of experiments over seeds: order, state, comparison
class_evaluation.py   scores of an experiment of kind clip: predicted samples against their classes
comparison.py         comparison of two experiments on the same matches
cross_validation.py   scores by fold, of all folds and of the test matches
ensembling/           ensembles of experiments
experiment_scores.py  scores of an experiment against a data root
file_scores.py        scores of files of any system
interval_evaluation.py  scores of an experiment of kind interval against a data root
label_check.py        probable mistakes in labels, ranked
osl_tree.py           OSL JSON read as folders of SoccerNet's files
scored_files.py       labels and predictions of the same matches, read from files
submission.py         submission zip for SoccerNet's server
tuning/               choice of peak rules and operating points
"""

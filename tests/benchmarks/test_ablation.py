import pytest
from ablation.arms import ABLATIONS, fusion, negatives
from ablation.run import digest, is_row_of, place_of, table_lines

from bvas.models.spotting import build_model


@pytest.mark.parametrize("prefix", ["mini_", ""])
def test_the_arms_of_an_ablation_differ_in_one_part_besides_the_name(prefix):
    parts = {
        "fusion": {"clip", "model", "sampling"},
        "clips": {"clip", "model"},
        "negatives": {"train"},
        "camera": {"augment"},
        "shake": {"sampling"},
        "ema": {"train"},
        "length": {"clip"},
    }
    for name, make in ABLATIONS.items():
        ablation = make(prefix)
        without, with_it = ablation.without.scored, ablation.with_it.scored
        differing = {
            part for part in without.__dataclass_fields__ if getattr(without, part) != getattr(with_it, part)
        }
        assert differing == {"name", *parts[name]}, name


def test_both_kinds_of_fusion_make_as_many_2d_passes_in_training():
    early, slow = fusion("mini_").without.scored, fusion("mini_").with_it.scored
    assert [e.clip.num_stacks * e.sampling.clips_per_epoch for e in (early, slow)] == [1875, 1875]
    assert early.clip.num_stacks == 1
    model = build_model(early.model, early.clip, 2)
    assert len(model.blocks) == 0


def test_both_kinds_of_sampling_start_from_the_same_weights():
    ablation = negatives("mini_")
    plain, hard = ablation.without.scored.train, ablation.with_it.scored.train
    assert plain.start_from == hard.start_from == "mini_action_pretrain"
    assert (plain.hard_negatives_from, hard.hard_negatives_from) == ("", "mini_ball_base")


def test_a_row_counts_for_the_same_settings_only():
    ablation = fusion("mini_")
    row = {
        "question": "slow fusion",
        "arm": "slow fusion",
        "seed": 1,
        "settings": digest(ablation.with_it),
    }
    assert place_of(row) == ("slow fusion", "slow fusion", 1)
    assert is_row_of(row, ablation, ablation.with_it, 1)
    assert not is_row_of(row, ablation, ablation.with_it, 2)
    assert not is_row_of({**row, "settings": digest(ablation.without)}, ablation, ablation.with_it, 1)


def test_the_table_has_mean_and_spread_of_both_arms_and_of_their_differences():
    ablation = fusion("mini_")
    rows = [
        {"question": "slow fusion", "arm": arm.title, "seed": seed, "official_map_at_1": value}
        for arm, values in ((ablation.without, (0.3, 0.4, 0.5)), (ablation.with_it, (0.6, 0.6, 0.6)))
        for seed, value in enumerate(values, start=1)
    ]
    assert table_lines([ablation], rows)[-1] == (
        "| slow fusion | 2D early fusion 0.400 +- 0.100 | slow fusion 0.600 +- 0.000 | +0.200 +- 0.100 |"
    )

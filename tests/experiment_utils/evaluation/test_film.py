import gymnasium
import numpy as np
import pytest

from experiment_utils.evaluation import film
from experiment_utils.evaluation.film import captioned_frames, episodes, heading
from experiment_utils.evaluation.video import CAPTION_HEIGHT


class CountingEnv(gymnasium.Env):
    """Rewards each action with itself, ends when their sum exceeds 3, and shows the sum as brightness."""

    action_space = gymnasium.spaces.Box(-1, 9, (1,))
    observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (1,))

    def set_task(self, task):
        self.task = task

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.total = self.task + self.np_random.uniform()
        return np.array([self.total]), {}

    def step(self, action):
        self.total += action[0]
        return np.array([self.total]), float(action[0]), self.total > 3, False, {}

    def render(self):
        return np.full((8, 90, 3), int(10 * self.total), np.uint8)


class Constant:
    def __init__(self, value):
        self.value, self.seen = value, []

    def act(self, observations, rng=None):
        self.seen.append(observations.copy())
        return np.array([self.value if rng is None else rng.uniform()])


@pytest.fixture
def envs():
    return [CountingEnv(), CountingEnv()]


def test_actors_start_alike_and_an_episode_that_has_ended_keeps_its_picture(envs):
    slow, quick = Constant(0.0), Constant(2.0)
    pictures = [[p.copy() for p in shown] for shown, _ in episodes(envs, [slow, quick], 1, max_path_length=4, seed=0)]
    assert len(pictures) == 4
    np.testing.assert_array_equal(slow.seen[0], quick.seen[0])
    assert len(quick.seen) == 1  # 1 + u + 2 > 3
    assert len(slow.seen) == 4
    np.testing.assert_array_equal(pictures[0][1], pictures[3][1])
    assert pictures[0][0].max() < pictures[0][1].max()


def test_the_film_ends_when_all_episodes_have(envs):
    assert len(list(episodes(envs, [Constant(2.0), Constant(3.0)], 1, max_path_length=50, seed=0))) == 1


def test_returns_are_sums_of_rewards_and_noise_is_the_same_for_all(envs):
    final = [r.copy() for _, r in episodes(envs, [Constant(0), Constant(0)], 0, max_path_length=2, seed=4, sample=True)][-1]
    rng = np.random.default_rng(4)
    assert final == pytest.approx([sum(rng.uniform(size=2))] * 2)


def test_frames_show_all_pictures_below_their_captions(envs):
    shown = episodes(envs, [Constant(0.0), Constant(2.0)], 0, max_path_length=1, seed=0)
    (frame,) = captioned_frames(shown, ["before", "after"], task=0)
    assert frame.shape == (8 + 2 * CAPTION_HEIGHT, 180, 3)


def test_the_heading_says_the_task_and_the_time():
    assert heading(-1.0, step=57, seconds=0.05) == "task -1.0, step 57, 2.85 s"
    assert heading(np.array([0.6, 0.8]), step=1, seconds=None) == "task [0.6, 0.8], step 1"
    assert heading({"body_mass": np.ones(14)}, step=2, seconds=None) == "step 2"


def test_a_return_of_minus_zero_is_zero(monkeypatch):
    texts = []
    monkeypatch.setattr(film, "side_by_side", lambda pictures, captions: texts.extend(captions) or pictures[0])
    list(captioned_frames(iter([([np.zeros((8, 90, 3), np.uint8)] * 2, [-0.04, -0.06])]), ["before", "after"], task=0))
    assert texts == ["before: return 0.0", "after: return -0.1"]


class Punctual(CountingEnv):
    """Its time is over after two steps, and it takes no more."""

    def reset(self, **settings):
        self.steps = 0
        return super().reset(**settings)

    def step(self, action):
        self.steps += 1
        assert self.steps <= 2
        observation, reward, terminated, _, infos = super().step(action)
        return observation, reward, terminated, self.steps == 2, infos


def test_an_episode_ends_where_the_environment_truncates_it():
    assert len(list(episodes([Punctual()], [Constant(0.0)], 1, max_path_length=5, seed=0))) == 2

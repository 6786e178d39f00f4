"""Sports among the classes of Kinetics-400: our own table of sport to class names."""

from collections.abc import Mapping
from types import MappingProxyType

_SPORTS = {
    "running and jumping": (
        *("high jump", "hurdling", "jogging", "long jump", "parkour", "pole vault", "running on treadmill"),
        "triple jump",
    ),
    "throwing": ("hammer throw", "javelin throw", "shot put", "throwing ball", "throwing discus"),
    "aiming": ("archery", "bowling", "playing paintball", "throwing axe"),
    "soccer": ("juggling soccer ball", "kicking soccer ball", "shooting goal (soccer)"),
    "basketball": ("dribbling basketball", "dunking basketball", "playing basketball", "shooting basketball"),
    "American football": (
        *("kicking field goal", "passing American football (in game)"),
        "passing American football (not in game)",
    ),
    "baseball and softball": (
        *("catching or throwing baseball", "catching or throwing softball", "hitting baseball"),
    ),
    "other ball games": (
        *("dodgeball", "hurling (sport)", "playing cricket", "playing kickball", "playing volleyball"),
    ),
    "racket sports": ("playing badminton", "playing squash or racquetball", "playing tennis"),
    "golf": ("golf chipping", "golf driving", "golf putting"),
    "frisbee": ("catching or throwing frisbee", "disc golfing"),
    "gymnastics": (
        *(
            "bouncing on trampoline",
            "cartwheeling",
            "gymnastics tumbling",
            "somersaulting",
            "trapezing",
            "vault",
        ),
    ),
    "weight lifting": ("bench pressing", "clean and jerk", "deadlifting", "snatch weight lifting", "squat"),
    "fitness": (
        *(
            "doing aerobics",
            "exercising with an exercise ball",
            "front raises",
            "lunge",
            "pull ups",
            "punching bag",
        ),
        *("push up", "situp", "skipping rope", "yoga"),
    ),
    "martial arts": (
        *("arm wrestling", "capoeira", "drop kicking", "high kick", "punching person (boxing)", "side kick"),
        *("sword fighting", "tai chi", "wrestling"),
    ),
    "climbing and balance": ("abseiling", "climbing a rope", "ice climbing", "rock climbing", "slacklining"),
    "jumping and flying": ("bungee jumping", "paragliding", "parasailing", "skydiving"),
    "swimming and diving": (
        *("diving cliff", "scuba diving", "snorkeling", "springboard diving", "swimming backstroke"),
        *("swimming breast stroke", "swimming butterfly stroke"),
    ),
    "on water": (
        *("canoeing or kayaking", "jetskiing", "kitesurfing", "sailing", "surfing water", "water skiing"),
        "windsurfing",
    ),
    "skiing and snow": (
        *("ski jumping", "skiing (not slalom or crosscountry)", "skiing crosscountry", "skiing slalom"),
        *("sled dog racing", "snowboarding", "snowkiting", "snowmobiling", "tobogganing"),
    ),
    "ice": ("bobsledding", "hockey stop", "ice skating", "playing ice hockey"),
    "on wheels": (
        *("biking through snow", "motorcycling", "riding a bike", "riding mountain bike", "riding unicycle"),
        *("roller skating", "skateboarding"),
    ),
}


def sports_classes() -> Mapping[str, tuple[str, ...]]:
    """Return 116 of the 400 class names by sport, each name once."""
    return MappingProxyType(_SPORTS)

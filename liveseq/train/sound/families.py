"""Registry of the families of sound models, by name. To add one: a `family.py` with its FAMILY, and a line here."""

from liveseq.train.sound.family import SoundFamily
from liveseq.train.sound.musika.family import FAMILY as MUSIKA
from liveseq.train.sound.notes.family import FAMILY as NOTES
from liveseq.train.sound.recurrent.blocks.family import FAMILY as BLOCKS
from liveseq.train.sound.recurrent.gan.family import FAMILY as GAN
from liveseq.train.sound.recurrent.sample.family import FAMILY as SAMPLE
from liveseq.train.sound.unagan.family import FAMILY as UNAGAN
from liveseq.train.sound.vae.family import FAMILY as VAE
from liveseq.train.sound.vocoders.melgan.family import FAMILY as MELGAN
from liveseq.train.sound.vocoders.vocos.family import FAMILY as VOCOS

FAMILIES: dict[str, SoundFamily] = {
    family.name: family for family in (VOCOS, MELGAN, UNAGAN, MUSIKA, NOTES, VAE, GAN, SAMPLE, BLOCKS)
}

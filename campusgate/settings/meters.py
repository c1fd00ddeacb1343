"""Settings of reading meters: how often, with what they are ordered, whether their clocks are set."""

from datetime import timedelta

from pydantic import BaseModel, Field, SecretStr, field_validator


class MeterSettings(BaseModel):
    """`cycle` is the server's, whose plan tells it to the reading process; the others are the reading process's."""

    cycle: timedelta = Field(
        default=timedelta(minutes=15),
        ge=timedelta(seconds=5),
        le=timedelta(days=1),
        description="how often all meters are read",
    )

    password: SecretStr = Field(default=SecretStr("000000"), description="six digits, as the meters have it")
    operator: str = Field(default="00000000", pattern=r"^[0-9]{8}$", description="eight digits that meters record")
    set_clocks: bool = Field(default=True, description="broadcast the time once a day, after 03:00")

    @field_validator("password")
    @classmethod
    def _six_digits(cls, value: SecretStr) -> SecretStr:
        digits = value.get_secret_value()
        if len(digits) != 6 or not (digits.isascii() and digits.isdecimal()):
            raise ValueError("meters.password has six digits")
        return value
